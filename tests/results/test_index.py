"""The index is only a cache: always right, never needed."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from results.index import Row, rows
from results.records import AttemptResult, AttemptStarted, Replied, Reply, RunInfo
from results.store import Run, Store

STARTED = AttemptStarted("task", 0, "replay", "docker", "default", "improved", 1, "boot")
RESULT = AttemptResult(
    "task", 0, "submitted", "", 2, 1.0, 0, 0, "replay", "docker", "improved", "default",
    resolved=True,
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Store(tmp_path).create(RunInfo("2026-11-22T10:00:00Z", ()), "run")
    with run.attempt("task").journal() as journal:
        journal.append(STARTED)
        journal.append(Replied(1, Reply("a")))
    return run


def essence(row: Row) -> tuple[str, str | None, bool | None, int]:
    return row.instance, row.exit_reason, row.resolved, row.turns


def test_a_row_follows_its_files(run: Run) -> None:
    assert [essence(row) for row in rows(run)] == [("task", None, None, 1)]
    attempt = run.attempt("task")
    with attempt.journal() as journal:
        journal.append(Replied(2, Reply("b")))
    assert [essence(row) for row in rows(run)] == [("task", None, None, 2)]
    attempt.finish(replace(RESULT, exit_reason="interrupted", resolved=None))
    attempt.finish(RESULT)
    assert [essence(row) for row in rows(run)] == [("task", "submitted", True, 2)]


def test_an_unchanged_attempt_is_served_from_the_cache(run: Run) -> None:
    first = rows(run)
    with sqlite3.connect(run.folder / "index.db") as database:
        database.execute("UPDATE attempts SET row = replace(row, 'replay', 'cached')")
    assert [row.policy for row in rows(run)] == ["cached"]
    (run.folder / "index.db").unlink()
    assert rows(run) == first


@pytest.mark.parametrize("damage", [b"not a database" * 100, b""])
def test_a_damaged_cache_is_replaced(run: Run, damage: bytes) -> None:
    first = rows(run)
    (run.folder / "index.db").write_bytes(damage)
    assert rows(run) == first
    assert rows(run) == first
    with sqlite3.connect(run.folder / "index.db") as database:
        assert database.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


def test_a_locked_or_impossible_cache_does_no_harm(run: Run) -> None:
    (run.folder / "index.db").mkdir()
    assert [essence(row) for row in rows(run)] == [("task", None, None, 1)]
