"""`run --until`: samples in rounds, by the bundled model; a killed run goes on to the same end."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import Batch, write_suite, write_task

from cwm_agent.scaling.chosen import CHOICE_FILE
from cwm_agent.scaling.rounds import BUDGET_FILE
from cwm_agent.scaling.storage import EVIDENCE_FILE, load_table

COMMAND = ("--sandbox", "bubblewrap", "--samples", 4, "--until", 0.9, "--set", "device=cpu")


def outcome(batch: Batch, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was spent, and what was chosen in each issue."""
    folder = batch.run(name).folder
    spent = json.loads((folder / BUDGET_FILE).read_text())["samples"]
    chosen = {}
    for path in sorted(folder.glob(f"*/{CHOICE_FILE}")):
        choice = json.loads(path.read_text())
        chosen[path.parent.name] = (choice["sample"], round(choice["probability"], 6))
    return spent, chosen


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_it_stops_at_decided_issues_and_survives_a_kill(batch: Batch) -> None:
    suite, _ = write_suite(batch.folder, range(1, 5))
    common = ("run", suite, *COMMAND)
    launch, done = batch.json(*common, "--name", "whole")
    assert (launch["record"], done["record"], done["exit_code"]) == ("launch", "done", 0)
    spent, chosen = outcome(batch, "whole")
    assert len(spent) == len(chosen) == 4
    assert min(spent.values()) == 2
    folder = batch.run("whole").folder
    for name, samples in spent.items():
        assert len(list(folder.glob(f"{name}/*/result.json"))) == samples
        assert samples == 4 or chosen[name][1] >= 0.9
    process = batch.start(*common, "--name", "killed")
    other = folder.parent / "killed"
    wait_for(other / "nano-seen-1" / "evidence", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    batch(*common, "--name", "killed")
    assert outcome(batch, "killed") == (spent, chosen)


UNDECIDED = "unseen/106"
"""nano's first two samples of it read the same and then edit it in ways of their own."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_branch_shares_turns_and_replays_resumes_and_exports_like_any_other(
    batch: Batch,
) -> None:
    suite = write_task(batch.folder, UNDECIDED)
    common = ("run", suite, *COMMAND, "--branch")
    batch(*common, "--name", "whole")
    run = batch.run("whole")
    ((name, branches),) = json.loads((run.folder / BUDGET_FILE).read_text())["branches"].items()
    number, parent, turn = next((int(n), b["sample"], b["turn"]) for n, b in branches.items())
    lines = {a.sample: a.events_path.read_bytes().splitlines() for a in run.attempts()}
    first = next(n for n, line in enumerate(lines[number]) if b'"kind":"branched"' in line)
    assert lines[number][:first] == lines[parent][:first]
    own = [json.loads(line) for line in lines[number][first:]]
    replied = [line["data"] for line in own if line["kind"] == "replied"]
    notice = next(line["data"] for line in own if line["kind"] == "observed")
    reply = replied[0]["reply"]
    assert replied[0]["turn"] == turn + 1
    # All but the notice, and the token before it whose keys were never needed.
    assert reply["cached_tokens"] >= reply["prompt_tokens"] - len(notice["ids"]) - 1
    result = run.find(name, number).result()
    assert result is not None
    assert result.completion_tokens == sum(len(r["reply"]["ids"]) for r in replied)
    candidate = load_table(run.folder / name / EVIDENCE_FILE).by_id[str(number)]
    assert (candidate.parent, candidate.branch_turn) == (str(parent), turn)
    place = ("--instance", name, "--sample", number)
    said, _ = batch("replay", "whole", *place, "--verify")
    assert "no difference" in said
    said, _ = batch("view", "whole", *place)
    assert f"taken over from sample {parent} after turn {turn}" in said
    batch("export", "whole", "--best")
    process = batch.start(*common, "--name", "killed")
    wait_for(batch.folder / "runs" / "killed" / name / str(number) / "events.jsonl", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    batch(*common, "--name", "killed")
    assert outcome(batch, "killed") == outcome(batch, "whole")


def wait_for(path: Path, process: Any) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.1)
