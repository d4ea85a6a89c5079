"""`select` and `study` on saved tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.exit_codes import ExitCode
from cwm_agent.scaling.labels import LABELS_FILE, save_labels
from cwm_agent.scaling.simulator import World, simulate
from cwm_agent.scaling.storage import save_table, table_path

from .conftest import Command

WORLD = World(existing=2, generated=2, harvested=0, inputs=1)


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    for table, labels in simulate(WORLD, issues=6, samples=4, seed=7):
        path = table_path(tmp_path / "tables", table.instance)
        save_table(path, table)
        save_labels(path.parent / LABELS_FILE, labels)
    return tmp_path / "tables"


def test_select_prints_a_choice_and_its_reasons(cwm_agent: Command, tables: Path) -> None:
    done = cwm_agent("select", str(tables), "--id", "issue-1", "--json")
    assert done.returncode == ExitCode.SUCCESS
    chosen = json.loads(done.stdout)
    assert (chosen["instance"], chosen["recipe"], chosen["of"]) == ("issue-1", "posterior", 4)
    assert 0 <= chosen["probability"] <= 1
    assert not list(tables.rglob("choice.json"))  # it is no run
    hesitant = cwm_agent("select", str(tables), "--abstain", "1")
    assert hesitant.returncode == ExitCode.UNRESOLVED
    for arguments, said in (
        (("--recipe", "best"), "choose among first"),
        (("--id", "issue-99"), "issue-99"),
        (("--recipe", "cwm", "--abstain", "0.5"), "says no probability"),
    ):
        refused = cwm_agent("select", str(tables), *arguments)
        assert (refused.returncode, said in refused.stderr) == (ExitCode.USAGE, True)


def test_study_prints_figures_reasons_and_a_picture(cwm_agent: Command, tables: Path) -> None:
    found = json.loads(cwm_agent("study", str(tables), "--json").stdout)
    assert (found["issues"], found["k"], found["recipes"]["oracle"]["selected"]) == (
        6, 4, found["pass_k"],
    )  # fmt: skip
    shown = cwm_agent("study", str(tables))
    assert "gap closed" in shown.stdout
    assert "adaptive budget" in shown.stdout
    why = cwm_agent("study", str(tables), "--why", "issue-2").stdout
    assert "kozuchi: s" in why
    pytest.importorskip("matplotlib")
    picture = tables / "out.svg"
    assert cwm_agent("study", str(tables), "--picture", str(picture), "--json").returncode == 0
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "study either a run"),
        (("--outcomes", "x.csv"), "belong together"),
        (("--simulate", "--world", "mood=1"), "no assumption"),
        (("--simulate", "--picture", "x.gif"), ".png or .svg"),
        (("nowhere",), "nowhere"),
    ],
)
def test_study_refuses_what_is_not_clear(
    cwm_agent: Command, arguments: tuple[str, ...], said: str
) -> None:
    done = cwm_agent("study", *arguments)
    assert (done.returncode, said in done.stderr) == (ExitCode.USAGE, True)
