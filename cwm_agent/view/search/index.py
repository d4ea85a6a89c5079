"""An index of the words in every step of many attempts: SQLite FTS5, a cache and nothing more.

It lies in the run's folder (`search.db`), elsewhere in the user's cache, and may be deleted at any
time. Words are what SQLite's `unicode61` makes of a text: letters and digits, without case, apart
by everything else; a search is a phrase of them, its last word open at its end. So `separable_mat`
and `KeyError: 'x'` are found, and `parable` is not.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.view.search.phrase import phrase_of
from cwm_agent.view.search.texts import texts_of
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.source import Source

SCHEMA = 1
FILE = "search.db"
COMMIT_EVERY = 100
"""Attempts that are indexed between two commits: what is done already can be searched."""

Key = tuple[str, str, int]
Progress = Callable[[int, int], None]
"""Attempts done, and all."""


@dataclass(frozen=True, slots=True)
class TextHit:
    """A step that holds the words; `step` counts from 1, 0 is what came before the first."""

    key: Key
    step: int


class SearchIndex:
    """The index of one source's attempts in one file. Any thread may ask."""

    def __init__(self, path: Path | None, source: Source) -> None:
        """`path` None keeps it in memory."""
        self._source = source
        self._lock = threading.Lock()
        self._database = _open(path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._database.close()

    def update(
        self,
        rows: Iterable[Row],
        progress: Progress | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> int:
        """Index what is new or changed; returns how many attempts that were."""
        wanted = list(rows)
        with self._lock:
            known = dict(self._database.execute("SELECT place, stamp FROM attempts").fetchall())
        stale = [row for row in wanted if known.get(place_of(row)) != _stamp(row)]
        for done, row in enumerate(stale):
            if stopped():
                return done
            texts = list(texts_of(row, self._source))  # outside of the lock: this takes the time
            with self._lock:
                self._replace(row, texts)
                if done % COMMIT_EVERY == COMMIT_EVERY - 1:
                    self._database.commit()
            if progress is not None:
                progress(done + 1, len(stale))
        with self._lock:
            self._database.commit()
        return len(stale)

    def find(self, words: str, limit: int = 200) -> list[TextHit]:
        """The first `limit` steps that hold the words, by attempt; [] for no words at all."""
        phrase = phrase_of(words)
        if not phrase:
            return []
        query = (
            "SELECT attempts.run, attempts.instance, attempts.sample, docs.step FROM words "
            "JOIN docs ON docs.id = words.rowid JOIN attempts ON attempts.id = docs.attempt "
            "WHERE words MATCH ? LIMIT ?"
        )
        with self._lock:
            found = self._database.execute(query, (phrase, limit)).fetchall()
        return [TextHit((run, instance, sample), step) for run, instance, sample, step in found]

    def holding(self, words: str) -> frozenset[Key]:
        """The attempts that hold the words in one of their steps."""
        phrase = phrase_of(words)
        if not phrase:
            return frozenset()
        query = (
            "SELECT run, instance, sample FROM attempts WHERE id IN (SELECT docs.attempt FROM "
            "words JOIN docs ON docs.id = words.rowid WHERE words MATCH ?)"
        )
        with self._lock:
            return frozenset(self._database.execute(query, (phrase,)).fetchall())

    def _replace(self, row: Row, texts: Sequence[tuple[int, str]]) -> None:
        """Docs of an earlier state stay in the words, but nothing leads to them any more."""
        database, place = self._database, place_of(row)
        old = database.execute("SELECT id FROM attempts WHERE place = ?", (place,)).fetchone()
        if old is not None:
            database.execute("DELETE FROM docs WHERE attempt = ?", old)
            database.execute("DELETE FROM attempts WHERE id = ?", old)
        columns = (place, _stamp(row), *row.key)
        cursor = database.execute(
            "INSERT INTO attempts (place, stamp, run, instance, sample) VALUES (?,?,?,?,?)", columns
        )
        attempt = cursor.lastrowid
        for step, text in texts:
            doc = database.execute("INSERT INTO docs (attempt, step) VALUES (?,?)", (attempt, step))
            harmless = text.encode("utf-8", "replace").decode()  # lone surrogates fit no database
            database.execute(
                "INSERT INTO words (rowid, body) VALUES (?,?)", (doc.lastrowid, harmless)
            )


def place_of(row: Row) -> str:
    """What an attempt is known by in the index."""
    return f"{row.path}:{row.place}"


def _stamp(row: Row) -> str:
    path = row.path / "events.jsonl" if row.path.is_dir() else row.path
    try:
        status = path.stat()
    except OSError:
        return "-"
    return f"{status.st_size}:{status.st_mtime_ns}"


def _open(path: Path | None) -> sqlite3.Connection:
    """The database, made anew where it is damaged or of another version; in memory where the
    place cannot be written."""
    for _ in range(2 if path else 0):
        assert path is not None
        try:
            return _prepared(sqlite3.connect(path, check_same_thread=False, timeout=5))
        except sqlite3.OperationalError:
            break
        except sqlite3.DatabaseError:
            with contextlib.suppress(OSError):
                path.unlink()
    return _prepared(sqlite3.connect(":memory:", check_same_thread=False))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = OFF")  # it can be rebuilt
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA:
        for name in ("words", "docs", "attempts"):
            database.execute(f"DROP TABLE IF EXISTS {name}")
        database.execute(
            "CREATE VIRTUAL TABLE words USING fts5(body, content='', columnsize=0, "
            "tokenize='unicode61')"
        )
        database.execute(
            "CREATE TABLE attempts (id INTEGER PRIMARY KEY AUTOINCREMENT, place TEXT UNIQUE, "
            "stamp TEXT, run TEXT, instance TEXT, sample INTEGER)"
        )
        database.execute(
            "CREATE TABLE docs (id INTEGER PRIMARY KEY AUTOINCREMENT, attempt INTEGER, "
            "step INTEGER)"
        )
        database.execute("CREATE INDEX docs_of_attempt ON docs (attempt)")
        database.execute(f"PRAGMA user_version = {SCHEMA}")
        database.commit()
    return database
