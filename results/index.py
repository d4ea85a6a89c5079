"""`index.db`: what `ls` needs of every attempt, so that a big run lists at once.

Only a cache over the journals and results: a row is recomputed when its files
changed, and the whole file may be deleted at any time. Where it cannot be
written (a run on a read-only disk) the rows are computed in memory.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from results.codec import decode, encode, parse_json
from results.errors import ResultsError
from results.predictions import digest
from results.records import AttemptStarted, Replied
from results.store import Attempt, Run

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt in a list. Times are UTC, ISO 8601; `exit_reason` is None until it ended.

    `patch` is the SHA-256 of what was submitted, "" without a result. `problem`
    says why the files could not be read, "" when they could.
    """

    instance: str
    sample: int
    policy: str
    mode: str
    exit_reason: str | None
    resolved: bool | None
    turns: int
    started: str
    updated: str
    patch: str = ""
    problem: str = ""


def rows(run: Run) -> list[Row]:
    """All attempts of `run`, by instance and sample."""
    path = run.folder / "index.db"
    try:
        return _rows(run, path)
    except sqlite3.OperationalError:  # locked, or a place that cannot be written
        return _rows(run, ":memory:")
    except sqlite3.DatabaseError:  # damaged: start it anew
        with contextlib.suppress(OSError):
            path.unlink()
        return _rows(run, ":memory:")


def _rows(run: Run, path: Path | str) -> list[Row]:
    with closing(sqlite3.connect(path, timeout=2)) as database, database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            database.execute("DROP TABLE IF EXISTS attempts")
            database.execute(
                "CREATE TABLE attempts (folder TEXT PRIMARY KEY, stamp TEXT, row TEXT)"
            )
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        return [_cached(database, attempt) for attempt in run.attempts()]


def _cached(database: sqlite3.Connection, attempt: Attempt) -> Row:
    folder, stamp = f"{attempt.folder.parent.name}/{attempt.sample}", _stamp(attempt)
    query = "SELECT row FROM attempts WHERE folder = ? AND stamp = ?"
    found = database.execute(query, (folder, stamp)).fetchone()
    if found is not None:
        return decode(Row, parse_json(found[0]))
    row = _read(attempt)
    text = json.dumps(encode(row))
    database.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?)", (folder, stamp, text))
    return row


def _stamp(attempt: Attempt) -> str:
    """Changes whenever the journal or the result does."""
    parts = []
    for path in (attempt.events_path, attempt.folder / "result.json"):
        try:
            status = path.stat()
            parts.append(f"{status.st_size}:{status.st_mtime_ns}")
        except FileNotFoundError:
            parts.append("-")
    return " ".join(parts)


def _read(attempt: Attempt) -> Row:
    try:
        entries, result = attempt.entries(), attempt.result()
    except ResultsError as error:
        return Row(
            attempt.folder.parent.name, attempt.sample, "", "", None, None, 0, "", "",
            problem=str(error),
        )  # fmt: skip
    starts = [entry.event for entry in entries if isinstance(entry.event, AttemptStarted)]
    turns = [entry.event.turn for entry in entries if isinstance(entry.event, Replied)]
    return Row(
        instance=starts[0].instance if starts else attempt.folder.parent.name,
        sample=attempt.sample,
        policy=starts[-1].policy if starts else "",
        mode=starts[-1].mode if starts else "",
        exit_reason=result.exit_reason if result else None,
        resolved=result.resolved if result else None,
        turns=result.turns if result else len(set(turns)),
        started=entries[0].time if entries else "",
        updated=entries[-1].time if entries else "",
        patch=digest(result.patch) if result else "",
    )
