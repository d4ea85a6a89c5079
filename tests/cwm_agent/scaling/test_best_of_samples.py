"""`solve --samples`, `run --select` and `export --best` from end to end, by the bundled model."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cases import Solve

from cwm_agent.scaling.chosen import CHOICE_FILE, Chosen
from cwm_agent.scaling.storage import EVIDENCE_FILE, load_table
from results.files import read_record

LOCAL = ("--sandbox", "bubblewrap", "--samples", "2")


@pytest.mark.slow
def test_two_samples_are_compared_and_one_is_handed_in(solve: Solve) -> None:
    answer = solve.json("nano:3", *LOCAL, "--select", "kozuchi", "--name", "best")
    assert (answer["resolved"], answer["exit_reason"]) == (True, "submitted")
    folder = solve.folder / "runs" / "best" / answer["instance"]
    table = load_table(folder / EVIDENCE_FILE)
    assert [candidate.sample for candidate in table.candidates] == [0, 1]
    assert table.of_role("regression")
    assert table.of_role("reproduction")
    assert table.of_kind("grade")
    chosen = read_record(Chosen, folder / CHOICE_FILE)
    assert chosen is not None
    assert (chosen.recipe, chosen.sample) == ("kozuchi", answer["sample"])
    command = [sys.executable, "-m", "cwm_agent", "export", "best", "--best"]
    subprocess.run(command, cwd=solve.folder, check=True, capture_output=True)
    rows = (solve.folder / "runs" / "best" / "all_preds.jsonl").read_text().splitlines()
    assert [json.loads(row)["model_patch"] for row in rows] == [answer["patch"]]
    assert solve.orphans() == []


def test_an_unknown_recipe_is_refused_before_anything_runs(solve: Solve) -> None:
    refused = solve("nano:3", *LOCAL, "--select", "best-of-all")
    assert refused.returncode == 2
    assert "kozuchi" in refused.stderr
    assert not list((solve.folder / "runs").glob("*/*"))
