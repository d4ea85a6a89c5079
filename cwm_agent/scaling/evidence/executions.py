"""What was run already: one line an execution, appended and made durable as it ends.

A run that was killed at any instant goes on from here: what stands in the file
is not run again, so an outcome once seen never changes.
"""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.scaling.table import Outcome
from results.codec import decode, encode, parse_json
from results.errors import RecordError, RunFolderError

FILE = "executions.jsonl"


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of something on one state of the code.

    `state` names the code (the digest of a patch, BEFORE for none), `test` what ran,
    `turn` which repetition it was. A test suite and a set of calls have an outcome or
    an output for each of their parts, by its name; a script has one, named "".
    """

    state: str
    test: str
    turn: int
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    log: str = ""


class Executions:
    """The executions of one issue, in memory and in a file. Any thread may add."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a line that a crash has torn is cut off. Raises RunFolderError."""
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, int], Execution] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+")
            self._read()
        except OSError as error:
            raise RunFolderError(f"cannot use {path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def get(self, state: str, test: str, turn: int) -> Execution | None:
        """An execution that was made."""
        return self._known.get((state, test, turn))

    def add(self, execution: Execution) -> None:
        """Keep one; the first of its name stands. Raises RunFolderError."""
        key = (execution.state, execution.test, execution.turn)
        line = json.dumps(encode(execution), separators=(",", ":")).encode("ascii") + b"\n"
        with self._lock:
            if key in self._known:
                return
            try:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise RunFolderError(f"cannot write {self._path}: {error.strerror}") from error
            self._known[key] = execution

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            self._file.truncate(len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                found = decode(Execution, parse_json(line))
            except (ValueError, RecordError) as error:
                raise RunFolderError(
                    f"{self._path} is damaged in line {number}: {error}; remove the file to run "
                    "everything again"
                ) from error
            self._known.setdefault((found.state, found.test, found.turn), found)
