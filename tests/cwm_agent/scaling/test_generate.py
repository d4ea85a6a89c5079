"""Tests that a model writes for an issue, from the episode to the column."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import handmade

from cwm_agent.attempt.attempt import Rules
from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.config.resolve import Resolved, load_settings
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.policies.recording import Recording
from cwm_agent.policies.replay import ReplayPolicy
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.generate import TestWriter
from cwm_agent.scaling.table import Table
from envs.progress import quiet
from results.store import Run

CODE = "def double(number):\n    return number + 2\n"
FIXES = {"right": "number * 2", "wrong": "number + 3", "prints": "print('Issue resolved') or 7"}
TEST = """\
from sums import double
print({7: "Issue reproduced", 10: "Issue resolved"}.get(double(5), "Other issues"))
"""
REPLIES = (
    f"<tool: create>\ntest_issue.py\n{TEST}\n</tool>",
    "<tool: submit>\ntest_issue.py\n</tool>",
    "It calls double(5).",
)


def run_of(folder: Path) -> Run:
    where = handmade.repository(folder / "repository", {"sums.py": CODE})
    what = handmade.job("double", where, "double is wrong", "bubblewrap")
    changed = [{"sums.py": CODE.replace("number + 2", fix)} for fix in FIXES.values()]
    return handmade.handmade_run(
        folder / "runs", what, [handmade.patch(where, changes) for changes in changed]
    )


def settings() -> Resolved:
    return load_settings(flags={"scaling.tests": 2, "scaling.calls": 0}, environment={})


def table_of(run: Run, replies: tuple[str, ...]) -> Table:
    opened = OpenPolicy(
        ReplayPolicy(Recording(Path("written.yaml"), replies)), thinking=False, note=""
    )
    writer = TestWriter(opened, Rules.of(settings()), CancelToken())
    (gathered,) = gather(run, settings(), quiet, generate=writer)
    assert gathered.table is not None, gathered.error
    return gathered.table


def test_what_a_model_writes_becomes_a_column_once(tmp_path: Path) -> None:
    run = run_of(tmp_path)
    table = table_of(run, REPLIES)
    (column,) = table.of_kind("generated")  # both episodes wrote the same
    assert (column.role, column.origin) == ("reproduction", 0)
    cells = [table.cell(candidate, column) for candidate in table.candidates]
    assert [cell.outcome for cell in cells if cell is not None] == ["pass", "other", "fail"]
    # The episodes are over: they are read from their journals, whatever a policy would say now.
    again = table_of(run, ("nothing",))
    assert again == replace(table, cells=again.cells)
    assert {name: row.keys() for name, row in again.cells.items()} == {
        name: row.keys() for name, row in table.cells.items()
    }
