"""`index.db`: what `ls` needs of every attempt, so that a big run lists at once.

Only a cache over the journals and results: a row is recomputed when its files
changed, and the whole file may be deleted at any time. Where it cannot be
written (a run on a read-only disk) the rows are computed in memory.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from results.codec import decode, encode, parse_json
from results.errors import ResultsError
from results.predictions import digest
from results.records import AttemptStarted, Replied, Reply, ToolRan
from results.store import Attempt, Run

SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt in a list. Times are UTC, ISO 8601; `exit_reason` is None until it ended.

    `patch` is the SHA-256 of what was submitted, "" without a result. `problem`
    says why the files could not be read, "" when they could. `tokens` counts
    what the policy wrote; `tools` are those that it called, by name.
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
    tokens: int = 0
    seconds: float = 0.0
    tools: tuple[str, ...] = ()


def rows(run: Run) -> list[Row]:
    """All attempts of `run`, by instance and sample."""
    return [row for _, row in found(run)]


def found(run: Run) -> Iterator[tuple[Attempt, Row]]:
    """The same one by one, each with its attempt: a run without an index takes its time."""
    path = run.folder / "index.db"
    done = 0
    try:
        for pair in _rows(run, path):
            done += 1
            yield pair
        return
    except sqlite3.OperationalError:  # locked, or a place that cannot be written
        pass
    except sqlite3.DatabaseError:  # damaged: start it anew
        with contextlib.suppress(OSError):
            path.unlink()
    for place, pair in enumerate(_rows(run, ":memory:")):
        if place >= done:
            yield pair


def known_rows(run: Run) -> dict[str, Row]:
    """What the index holds now, by "INSTANCE-FOLDER/SAMPLE", fresh or not; nothing is read anew."""
    path = run.folder / "index.db"
    if not path.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                return {}
            table = database.execute("SELECT folder, row FROM attempts").fetchall()
    except sqlite3.Error:
        return {}
    return {folder: decode(Row, parse_json(row)) for folder, row in table}


def _rows(run: Run, path: Path | str) -> Iterator[tuple[Attempt, Row]]:
    with closing(sqlite3.connect(path, timeout=2)) as database, database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            database.execute("DROP TABLE IF EXISTS attempts")
            database.execute(
                "CREATE TABLE attempts (folder TEXT PRIMARY KEY, stamp TEXT, row TEXT)"
            )
            database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for count, attempt in enumerate(run.attempts(), 1):
            yield attempt, _cached(database, attempt)
            if count % 200 == 0:
                database.commit()  # whoever stops asking keeps what was read


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
    replies = [entry.event for entry in entries if isinstance(entry.event, Replied)]
    turns = {replied.turn for replied in replies}
    tools = {entry.event.tool for entry in entries if isinstance(entry.event, ToolRan)}
    return Row(
        instance=starts[0].instance if starts else attempt.folder.parent.name,
        sample=attempt.sample,
        policy=starts[-1].policy if starts else "",
        mode=starts[-1].mode if starts else "",
        exit_reason=result.exit_reason if result else None,
        resolved=result.resolved if result else None,
        turns=result.turns if result else len(turns),
        started=entries[0].time if entries else "",
        updated=entries[-1].time if entries else "",
        patch=digest(result.patch) if result else "",
        tokens=result.completion_tokens if result else sum(_written(r.reply) for r in replies),
        seconds=result.seconds if result else sum(r.reply.seconds for r in replies),
        tools=tuple(sorted(tools - {""})),
    )


def _written(reply: Reply) -> int:
    """What the policy wrote, in its own tokens or by its estimate."""
    return len(reply.ids) or max(0, reply.context_tokens - reply.prompt_tokens)
