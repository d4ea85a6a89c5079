"""What the grader said of patches: `scores.jsonl`, append-only, one score a line.

A score belongs to an instance and a patch, not to a sample: two samples with
the same patch share it. It holds for one state of the row (`task`), so that a
corrected data set is graded anew, and under the conditions in which it was
made (`under`), so that a mended image, another grader or more time are, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from results.codec import decode, encode, parse_json
from results.errors import RecordError, RunFolderError
from results.found import Enforced
from results.records import Verdict

ScoreOutcome = Literal[
    "resolved",
    "unresolved",
    "empty",  # there is no patch; never run, as in the official grader
    "not_applied",  # no way of applying the patch worked
    "timeout",  # the tests took longer than they may
    "infrastructure",  # the engine, the image or the environment failed; says nothing of the patch
]

Standing = Literal["resolved", "unresolved", "infrastructure", "not scored"]

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What beside patch and row decides a verdict.

    `image` is the id of the image, "" where none is known (in a query) or
    none was needed (in a verdict). `timeout` is in seconds; `grader` names it with its version.
    """

    image: str
    timeout: int
    network: bool
    grader: str


@dataclass(frozen=True, slots=True)
class Score:
    """One verdict. `patch` is the SHA-256 of what was scored, `task` the key of the row.

    `log` is the folder of the grader's files, relative to that of
    `scores.jsonl`; "" where nothing was run. `seconds` is the time of all
    `tries` together. `failure` is what the official package takes a failure
    for (`missing_module`, ...), `environmental` whether it holds the environment guilty.
    `cpu_seconds` are known of answers to problems.
    """

    instance: str
    patch: str
    task: str
    outcome: ScoreOutcome
    verdict: Verdict
    seconds: float = 0.0
    tries: int = 1
    log: str = ""
    failure: str = ""
    environmental: bool = False
    under: Conditions | None = None
    cpu_seconds: float = 0.0
    enforced: Enforced | None = None

    @property
    def key(self) -> Key:
        """What the score is looked up by."""
        return (self.instance, self.patch, self.task)

    def holds(self, wanted: Conditions) -> bool:
        """Whether it says what a grading under `wanted` would say."""
        if self.outcome in ("empty", "infrastructure"):
            return True
        under = self.under
        if under is None or (under.network, under.grader) != (wanted.network, wanted.grader):
            return False
        if self.outcome == "timeout" and under.timeout < wanted.timeout:
            return False
        return "" in (under.image, wanted.image) or under.image == wanted.image


class ScoreBook:
    """The scores in one folder. Several threads may add; one process at a time should."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "scores.jsonl"
        self._lock = Lock()
        self._scores: dict[Key, list[Score]] = {}
        for score in _read(self._path):
            self._scores.setdefault(score.key, []).append(score)

    def get(self, key: Key, wanted: Conditions) -> Score | None:
        """The last score of that key that holds under `wanted`, else the last one."""
        found = self._scores.get(key, [])
        holding = (score for score in reversed(found) if score.holds(wanted))
        return next(holding, found[-1] if found else None)

    def history(self, key: Key, wanted: Conditions) -> list[Score]:
        """Every verdict of that key that holds under `wanted`, the oldest first.

        Failures of the infrastructure are no verdicts.
        """
        found = self._scores.get(key, [])
        return [
            s for s in found if s.outcome not in ("infrastructure", "empty") and s.holds(wanted)
        ]

    def final(self, key: Key, wanted: Conditions) -> Score | None:
        """The last score that holds, unless it only says that the infrastructure failed.

        That is tried again.
        """
        score = self.get(key, wanted)
        if score is None or score.outcome == "infrastructure" or not score.holds(wanted):
            return None
        return score

    def add(self, score: Score) -> None:
        """Append it durably; raises RunFolderError."""
        line = json.dumps(encode(score)) + "\n"
        with self._lock:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                with self._path.open("ab") as file:
                    file.write(line.encode("ascii"))
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                raise RunFolderError(
                    f"cannot write {self._path}: {error.strerror}; free some space, then go on "
                    "with the same command"
                ) from error
            self._scores.setdefault(score.key, []).append(score)


class Verdicts:
    """The last score of each patch in a folder, for looking at while others may write there.

    Nothing is changed, and lines that cannot be read are passed over.
    """

    def __init__(self, folder: Path) -> None:
        self._lines: dict[tuple[str, str], dict[str, object]] = {}
        try:
            data = (folder / "scores.jsonl").read_bytes()
        except OSError:
            return
        for line in data.splitlines():
            try:
                found = parse_json(line)
                self._lines[found["instance"], found["patch"]] = found
            except (ValueError, LookupError, TypeError):
                continue

    def score(self, instance: str, patch: str) -> Score | None:
        """The last score of a patch, by its SHA-256."""
        try:
            return decode(Score, self._lines[instance, patch])
        except (KeyError, RecordError):
            return None

    def standing(self, instance: str, patch: str, own: bool | None) -> Standing:
        """How a patch stands; `own` is what tests of the run's own said, where it has some."""
        found = self._lines.get((instance, patch))
        outcome = found.get("outcome") if found else None
        if outcome is None:
            return {True: "resolved", False: "unresolved", None: "not scored"}[own]  # type: ignore[return-value]
        if outcome in ("resolved", "infrastructure"):
            return outcome
        return "unresolved"


def _read(path: Path) -> Iterator[Score]:
    """Whole lines only: a torn last one is a score that was never promised."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from error
    whole, _, torn = data.rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(data) - len(torn))
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            yield decode(Score, parse_json(line))
        except (ValueError, RecordError) as error:
            raise RunFolderError(
                f"{path} is damaged in line {number} ({error}); remove that line to continue"
            ) from error
