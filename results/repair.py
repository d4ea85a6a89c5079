"""A journal that was damaged from outside, cut back to what is certain."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from results.errors import DamagedJournalError, JournalError
from results.files import write_atomically
from results.journal import LOCK_TIMEOUT, Lines, lock


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done. `kept` is a copy of the whole damaged file; `line` counts from 1."""

    kept: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"cut before line {self.line}, which {self.reason}; the whole file is {self.kept}"


def repair(path: Path, *, lock_timeout: float = LOCK_TIMEOUT) -> Repair | None:
    """Cut a journal before its first damaged line; None where every line is good.

    The damaged file is copied beside it first, so nothing is lost. Raises
    JournalLockedError while another process writes the journal, JournalError
    when it cannot be read or written, RunFolderError when the copy cannot.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError(f"cannot repair {path}: {error.strerror}") from error
    try:
        lock(descriptor, path, lock_timeout)
        lines = Lines(path)
        try:
            for _ in lines.entries():
                pass
            return None
        except DamagedJournalError as error:
            found = Repair(_unused(path), lines.count + 1, str(error.__cause__))
        write_atomically(found.kept, path.read_bytes())
        os.ftruncate(descriptor, lines.offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return found


def _unused(path: Path) -> Path:
    """`events.jsonl.damaged`, or with a number behind it."""
    kept, number = path.with_name(f"{path.name}.damaged"), 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.damaged.{number}")
    return kept
