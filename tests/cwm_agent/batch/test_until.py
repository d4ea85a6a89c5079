"""`run --until`: samples in rounds, by the bundled model; a killed run goes on to the same end."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from helpers import Batch, write_suite

from cwm_agent.scaling.chosen import CHOICE_FILE
from cwm_agent.scaling.rounds import BUDGET_FILE

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


def wait_for(path: Path, process: Any) -> None:
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.1)
