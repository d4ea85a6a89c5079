"""Evidence after a crash and after failures: the same table, nothing left, nothing run twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import handmade
import pytest

from cwm_agent.config.resolve import load_settings
from cwm_agent.scaling.evidence.executions import Execution, Executions
from cwm_agent.scaling.gather import gather
from cwm_agent.scaling.storage import load_table, table_path
from cwm_agent.scaling.table import Table
from cwm_agent.tasks.job import Job
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.cleanup import find_orphans
from envs.errors import SandboxError
from envs.progress import quiet
from results.errors import RunFolderError
from results.store import Run

CODE = "def double(number):\n    return number + 2\n"
TESTS = "from sums import double\n\n\ndef test_two():\n    assert double(2) == 4\n"
FIXES = ("number * 2", "2 * number", "number + 3", "7")


def run_of(folder: Path) -> tuple[Run, Job]:
    where = handmade.repository(folder / "repository", {"sums.py": CODE, "test_sums.py": TESTS})
    what = handmade.job("double", where, "`double(5)` is 7 and not 10", "bubblewrap")
    changed = [{"sums.py": CODE.replace("number + 2", fix)} for fix in FIXES]
    patches = [handmade.patch(where, changes) for changes in changed]
    return handmade.handmade_run(folder / "runs", what, patches), what


def table_of(run: Run) -> Table:
    settings = load_settings(flags={"scaling.tests": 0, "sandbox.retries": 0}, environment={})
    (gathered,) = gather(run, settings, quiet)
    assert gathered.table is not None, gathered.error
    return gathered.table


def plain(table: Table) -> object:
    cells = {
        candidate: {column: replace(cell, seconds=0.0) for column, cell in row.items()}
        for candidate, row in table.cells.items()
    }
    return table.candidates, table.columns, cells


def test_a_torn_line_is_cut_off_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"
    one = Execution("a", "t", 0, {"": "pass"}, {"": "ok"}, 0.5, "log")
    with closing(Executions(path)) as executions:
        executions.add(one)
        executions.add(replace(one, outcomes={"": "fail"}))  # the first stands
    path.write_bytes(path.read_bytes() + b'{"state": "b", "te')
    with closing(Executions(path)) as executions:
        assert executions.get("a", "t", 0) == one
        executions.add(replace(one, turn=1))
    assert [json.loads(line)["turn"] for line in path.read_text().splitlines()] == [0, 1]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "executions.jsonl"
    path.write_text('{"state": 1}\n')
    with pytest.raises(RunFolderError, match="damaged in line 1"):
        Executions(path)


def test_what_the_infrastructure_failed_is_missing_until_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, _ = run_of(tmp_path)
    opened = BubblewrapSandbox.open
    count = 0

    def breaks(self: BubblewrapSandbox) -> None:
        nonlocal count
        count += 1
        if count > 2:  # the unpatched code and one candidate had theirs
            raise SandboxError("no room", cause="host_disk_full")
        opened(self)

    monkeypatch.setattr(BubblewrapSandbox, "open", breaks)
    first = table_of(run)
    rows = [len(first.cells[candidate.id]) for candidate in first.candidates]
    assert sorted(map(bool, rows)) == [False, False, False, True]
    monkeypatch.undo()
    monkeypatch.setattr(BubblewrapSandbox, "open", _counting(opened, made := []))
    whole = table_of(run)
    assert len(made) == 3
    assert {len(whole.cells[candidate.id]) for candidate in whole.candidates} == {
        len(whole.columns)
    }


def _counting(opened: object, made: list[int]) -> object:
    def count(self: BubblewrapSandbox) -> None:
        made.append(1)
        opened(self)  # type: ignore[operator]

    return count


@pytest.mark.slow
def test_killed_again_and_again_it_gives_the_same_table(tmp_path: Path) -> None:
    whole, _ = run_of(tmp_path / "whole")
    expected = plain(table_of(whole))
    run, what = run_of(tmp_path / "killed")
    path = table_path(run.folder, what.instance)
    command = [sys.executable, "-m", "cwm_agent", "evidence", str(run.folder), "--tests", "0"]
    seconds, kills = 1.5, 0
    while not path.exists():
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        seconds *= 1.25
    assert kills >= 2
    assert plain(load_table(path)) == expected
    pids = {orphan.name for orphan in find_orphans()}
    deadline = time.monotonic() + 60
    while any(str(process.pid) in name for name in pids) and time.monotonic() < deadline:
        time.sleep(0.5)
        pids = {orphan.name for orphan in find_orphans()}
    assert not any(f"-{process.pid}-" in name for name in pids)
