"""The journal of one attempt: `events.jsonl`, append-only, the only truth.

One JSON object a line: `{"seq": 0, "time": "...", "kind": "observed", "data": {...}}`.
`seq` counts from 0 without a gap, `time` is UTC in ISO 8601, `kind` names an
`Event` class of `results.records` in snake case and `data` holds its fields.

A line is valid once its newline is written. What stands after the last
newline was torn by a crash: readers skip it, the next writer cuts it off.
Anything else that does not parse is corruption and an error.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from results.codec import decode, encode, parse_json
from results.errors import DamagedJournalError, JournalError, JournalLockedError, RecordError
from results.files import sync_folder
from results.records import Event

LOCK_TIMEOUT = 1.0
"""Seconds that a writer waits for the lock: `is_live` holds it for an instant."""


def kind_of(event_class: type[Any]) -> str:
    """The name of an event class in the journal: `ToolRan` is "tool_ran"."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_class.__name__).lower()


KINDS: dict[str, type[Any]] = {kind_of(event): event for event in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a journal. `time` is when it was appended, UTC, ISO 8601."""

    seq: int
    time: str
    event: Event


def encode_entry(entry: Entry) -> bytes:
    """The line of `entry`, newline included."""
    line = {
        "seq": entry.seq,
        "time": entry.time,
        "kind": kind_of(type(entry.event)),
        "data": encode(entry.event),
    }
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


def decode_entry(line: bytes, *, seq: int) -> Entry:
    """The entry that stands at place `seq` (counted from 0); raises RecordError."""
    try:
        raw = parse_json(line)
    except ValueError as error:
        raise RecordError(f"not valid JSON ({error})") from error
    if not isinstance(raw, dict) or raw.keys() != {"seq", "time", "kind", "data"}:
        raise RecordError("must be an object with exactly the keys seq, time, kind, data")
    if raw["seq"] != seq:
        raise RecordError(f"has sequence number {raw['seq']}, expected {seq}")
    if not isinstance(raw["kind"], str) or raw["kind"] not in KINDS:
        raise RecordError(f"has unknown kind {raw['kind']!r}; known are {', '.join(KINDS)}")
    if not _is_time(raw["time"]):
        raise RecordError(f"has time {raw['time']!r}, which is not a UTC time")
    return Entry(seq, raw["time"], decode(KINDS[raw["kind"]], raw["data"]))


def _is_time(value: object) -> bool:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return time is not None and time.tzinfo is not None and 1970 <= time.year < 9999


class Clock:
    """UTC that never goes back: the clock of the machine once, from then on seconds that only grow.

    It begins no earlier than `after` (ISO 8601), so that a clock which was set
    back between two processes gives no negative time either.
    """

    def __init__(self, after: str | None = None) -> None:
        now = datetime.now(UTC)
        self._origin = max(now, datetime.fromisoformat(after).astimezone(UTC)) if after else now
        self._begun = time.monotonic()

    def now(self) -> str:
        """In ISO 8601, to the millisecond."""
        passed = timedelta(seconds=time.monotonic() - self._begun)
        text = (self._origin + passed).isoformat(timespec="milliseconds")
        return text.replace("+00:00", "Z")


class Lines:
    """Reads complete lines of a growing journal, each one once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        """Bytes of complete lines read so far; where the next line begins."""
        self.count = 0

    def entries(self, most: int | None = None) -> Iterator[Entry]:
        """Entries appended since the last call; after `most` bytes of them the rest is left.

        Raises DamagedJournalError naming file and line, JournalError where nothing can be read.
        """
        end = None if most is None else self.offset + most
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                for line in file:
                    if not line.endswith(b"\n") or (end is not None and self.offset >= end):
                        return
                    try:
                        entry = decode_entry(line, seq=self.count)
                    except RecordError as error:
                        raise DamagedJournalError(self._damage(error)) from error
                    self.offset += len(line)
                    self.count += 1
                    yield entry
        except FileNotFoundError as error:
            raise JournalError(f"there is no journal {self.path}") from error
        except OSError as error:
            raise JournalError(f"cannot read {self.path}: {error.strerror}") from error

    def _damage(self, error: RecordError) -> str:
        return (
            f"{self.path}, line {self.count + 1}: {error}; the journal was changed or damaged "
            "outside cwm-agent: restore it from a backup, or go on from the line before with "
            "--repair (`solve --resume RUN --repair`, `run SUITE --name RUN --repair`)"
        )


def read_journal(path: Path) -> list[Entry]:
    """All complete entries; a torn last line is skipped. Raises JournalError."""
    return list(Lines(path).entries())


def is_live(path: Path) -> bool:
    """Whether a process holds the journal open for writing."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def follow_journal(
    path: Path,
    *,
    pause: Callable[[float], object] = time.sleep,
    interval: float = 0.2,
) -> Iterator[Entry]:
    """Entries as they come, until no process writes the journal any more.

    `pause` is called with `interval` seconds between looks; it may raise to
    end the waiting.
    """
    lines = Lines(path)
    while True:
        live = is_live(path)  # before reading, so that the writer's last words are not missed
        yield from lines.entries()
        if not live:
            return
        pause(interval)


def lock(descriptor: int, path: Path, lock_timeout: float = LOCK_TIMEOUT) -> None:
    """Take the writer's lock on an open journal; raises JournalLockedError after `lock_timeout`."""
    deadline = time.monotonic() + lock_timeout
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise JournalLockedError(
                    f"{path} is being written by another process; "
                    f"wait for it, or stop it before resuming"
                ) from error
            time.sleep(0.02)


class Journal:
    """The writer: one at a time for each file, on this machine and over NFS.

    Appending hands the line to the operating system at once (a killed process
    loses nothing); `commit` makes it survive a power cut. Call it once a turn.
    """

    def __init__(self, path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> None:
        """Open or create the journal and take its lock, for which it waits `lock_timeout` seconds.

        Raises JournalLockedError when another process writes it, JournalError
        when it is corrupt or cannot be written. `entries` are those already there.
        """
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(f"cannot write {path}: {error.strerror}") from error
        try:
            lock(self._file, path, lock_timeout)
            lines = Lines(path)
            self.entries: tuple[Entry, ...] = tuple(lines.entries())
            self._next, self._size = lines.count, lines.offset
            self._clock = Clock(self.entries[-1].time if self.entries else None)
            self.torn_bytes = os.fstat(self._file).st_size - self._size
            """Bytes of an unfinished last line that were cut off on opening."""
            if self.torn_bytes:
                os.ftruncate(self._file, self._size)
            os.fsync(self._file)
            sync_folder(path.parent)
        except BaseException:
            os.close(self._file)
            raise

    @property
    def events(self) -> tuple[Event, ...]:
        """The events that stood in the journal when it was opened."""
        return tuple(entry.event for entry in self.entries)

    def append(self, event: Event) -> Entry:
        """Write one event; a refusing disk raises JournalError and leaves nothing of the line."""
        entry = Entry(self._next, self._clock.now(), event)
        line = encode_entry(entry)
        try:
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise JournalError(
                f"cannot append to {self.path}: {error.strerror}; free some space, then resume"
            ) from error
        self._size += len(line)
        self._next += 1
        return entry

    def commit(self) -> None:
        """Make everything appended so far durable (fsync)."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise JournalError(f"cannot sync {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Commit, give the lock back. Idempotent."""
        if self._file >= 0:
            try:
                self.commit()
            finally:
                os.close(self._file)
                self._file = -1

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
