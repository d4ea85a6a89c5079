"""The folder of runs.

runs/<name>/
  run.json                           RunInfo
  <instance>/<sample>/job.json       the task and who solves it, for resuming (cwm_agent.tasks.job)
  <instance>/<sample>/events.jsonl   the journal, the only truth
  <instance>/<sample>/result.json    AttemptResult, written once when the attempt is over
  <instance>/<sample>/tests-before.log, tests-after.log   what the judge's tests printed
  preds.jsonl, preds.1.jsonl, ...    predictions in the format of SWE-bench, of each sample
  scores/                            what the official grader said (see results.scores)
  index.db                           a cache (see results.index)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from results.errors import ResultsError, RunFolderError, RunNotFoundError
from results.files import read_record, sync_folder, write_atomically, write_record
from results.journal import LOCK_TIMEOUT, Entry, Journal, Lines, is_live, read_journal
from results.records import AttemptResult, AttemptStarted, ExitReason, RunInfo

UNFINISHED: frozenset[ExitReason] = frozenset({"interrupted", "policy_error", "sandbox_error"})
"""Exit reasons after which an attempt may be continued, so that its result may be replaced."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_OF_THE_RUN = re.compile(r"scores|evidence|.*\.(json|jsonl|db|lock|log|md|sock|damaged|tmp)", re.I)
"""Names that files and folders of a run have beside its instances, today or in another version."""


def folder_name(instance: str) -> str:
    """A safe folder name for an instance id; a plain id stays as it is.

    Other ids, and those that a file of the run may have, get the first 8 hex digits of their
    SHA-256 appended, so two ids never share a folder. The id itself stands in the records.
    """
    if _PLAIN_NAME.fullmatch(instance) and not _OF_THE_RUN.fullmatch(instance):
        return instance
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", instance).strip(".-")[:80]
    digest = hashlib.sha256(instance.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain or 'instance'}-{digest}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sample of one instance. `folder` is `<run>/<instance>/<sample>`."""

    folder: Path
    sample: int

    @property
    def events_path(self) -> Path:
        """The journal file."""
        return self.folder / "events.jsonl"

    @property
    def live(self) -> bool:
        """Whether a process is working on it now."""
        return is_live(self.events_path)

    @property
    def instance(self) -> str:
        """The instance id; the folder name as long as the journal has no event."""
        for entry in Lines(self.events_path).entries() if self.events_path.exists() else ():
            if isinstance(entry.event, AttemptStarted):
                return entry.event.instance
        return self.folder.parent.name

    def journal(self, *, lock_timeout: float = LOCK_TIMEOUT) -> Journal:
        """Open the journal for writing; see Journal. Raises JournalError."""
        return Journal(self.events_path, lock_timeout=lock_timeout)

    def entries(self) -> list[Entry]:
        """What the journal holds now; raises JournalError."""
        return read_journal(self.events_path)

    def result(self) -> AttemptResult | None:
        """The result, or None while the attempt is not over."""
        return read_record(AttemptResult, self.folder / "result.json")

    def keep_test_output(self, when: str, output: str) -> None:
        """Keep what the tests printed "before" or "after" the patch; raises RunFolderError."""
        path = self.folder / f"tests-{when}.log"
        write_atomically(path, output.encode("utf-8", "surrogateescape"))

    def test_output(self) -> Path | None:
        """The file of what the tests printed after the patch, or before it where there is none."""
        found = (self.folder / f"tests-{when}.log" for when in ("after", "before"))
        return next((path for path in found if path.is_file()), None)

    def finish(self, result: AttemptResult) -> None:
        """Write `result.json` atomically.

        Raises ResultsError when the attempt is already over. A result that
        says the attempt can be continued (see UNFINISHED) is replaced.
        """
        earlier = self.result()
        if earlier is not None and earlier.exit_reason not in UNFINISHED:
            raise ResultsError(
                f"{self.folder} already has a result ({earlier.exit_reason}); "
                f"start a new run, or remove that folder to repeat the attempt"
            )
        write_record(self.folder / "result.json", result)


@dataclass(frozen=True, slots=True)
class Run:
    """One run folder."""

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def scores(self) -> Path:
        """The folder of what the grader said of the run's patches."""
        return self.folder / "scores"

    def info(self) -> RunInfo:
        """What `run.json` says; raises RunFolderError when it is missing or damaged."""
        info = read_record(RunInfo, self.folder / "run.json")
        if info is None:
            raise RunFolderError(f"{self.folder} is not a run folder: it has no run.json")
        return info

    def find(self, instance: str, sample: int = 0) -> Attempt:
        """The attempt, whether or not it has begun."""
        return Attempt(self.folder / folder_name(instance) / str(sample), sample)

    def attempt(self, instance: str, sample: int = 0) -> Attempt:
        """The attempt, its folder made if needed; raises RunFolderError."""
        found = self.find(instance, sample)
        _make_folder(found.folder)
        return found

    def attempts(self) -> Iterator[Attempt]:
        """All attempts that have begun, by instance and sample."""
        found = [
            (path.parent.parent.name, int(path.parent.name), path.parent)
            for path in self.folder.glob("*/*/events.jsonl")
            if path.parent.name.isdecimal()
        ]
        for _, sample, folder in sorted(found):
            yield Attempt(folder, sample)

    def write_predictions(self) -> list[Path]:
        """Write the predictions of the results anew, a file for each sample.

        One line an instance with instance_id, model_name_or_path and
        model_patch, the format that the swebench package grades: it takes one
        prediction an instance. Attempts that the infrastructure broke are left
        out: graded, they would count as unsolved.
        """
        results = [result for a in self.attempts() if (result := a.result()) is not None]
        model = model_of(results)
        lines: dict[int, list[str]] = {0: []}
        for result in results:
            if result.exit_reason != "sandbox_error":
                row = {
                    "instance_id": result.instance,
                    "model_name_or_path": model,
                    "model_patch": result.patch,
                }
                lines.setdefault(result.sample, []).append(json.dumps(row) + "\n")
        paths = [self.folder / of_sample("preds.jsonl", sample) for sample in lines]
        for path, rows in zip(paths, lines.values(), strict=True):
            write_atomically(path, "".join(rows).encode("ascii"))
        return paths


def model_of(results: Iterable[AttemptResult]) -> str:
    """The name for predictions: who answered in the attempts.

    Of many recordings (`replay:a`, `replay:b`) only their kind is named: the
    name becomes that of a folder.
    """
    policies = {result.policy for result in results}
    kinds = Counter(policy.partition(":")[0] for policy in policies)
    named = {
        policy if kinds[kind := policy.partition(":")[0]] == 1 else kind for policy in policies
    }
    return "+".join(sorted(named)) or "none"


def of_sample(name: str, sample: int) -> str:
    """The file of one sample: `preds.jsonl` for the first one, `preds.1.jsonl` for the next."""
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{sample}.{suffix}" if sample else name


@dataclass(frozen=True, slots=True)
class Store:
    """The folder that holds all runs; it need not exist before the first run."""

    root: Path

    def create(self, info: RunInfo, name: str | None = None) -> Run:
        """Make a new run folder with its `run.json`.

        Without a name it is called after the local time. Raises ResultsError
        for a taken or unusable name, RunFolderError when it cannot be written.
        """
        if name is not None and not _PLAIN_NAME.fullmatch(name):
            raise ResultsError(
                f"{name!r} is not a valid run name: use up to 100 letters, digits, '.', '_' and '-'"
            )
        _make_folder(self.root)
        folder = self._new_folder(name)
        try:
            write_record(folder / "run.json", info)
            sync_folder(self.root)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Run(folder)

    def open(self, name: str | os.PathLike[str]) -> Run:
        """The run called `name`, or the one whose folder is at that path."""
        for folder in (self.root / name, Path(name)):
            if (folder / "run.json").is_file():
                return Run(folder)
        known = [run.name for run in self.runs()]
        listed = f"; the newest are {', '.join(known[:5])}" if known else ""
        raise RunNotFoundError(f"there is no run {str(name)!r} in {self.root}{listed}")

    def newest(self) -> Run:
        """The run created last; raises RunNotFoundError without any."""
        for run in self.runs():
            return run
        raise RunNotFoundError(
            f"there are no runs in {self.root}; start one with `cwm-agent solve`, "
            f"or name another folder with --runs"
        )

    def runs(self) -> list[Run]:
        """All runs, the newest first; raises RunFolderError where they cannot be listed."""
        found = [Run(folder) for folder in _folders(self.root) if (folder / "run.json").exists()]
        return sorted(found, key=lambda run: (_created(run), run.name), reverse=True)

    def _new_folder(self, name: str | None) -> Path:
        base = name or datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")
        for attempt in range(1, 1000):
            folder = self.root / (base if attempt == 1 else f"{base}-{attempt}")
            try:
                folder.mkdir()
                return folder
            except FileExistsError as error:
                if name is not None:
                    raise ResultsError(
                        f"there is already a run {name!r} in {self.root}; choose another name"
                    ) from error
            except OSError as error:
                raise _unwritable(folder, error) from error
        raise ResultsError(f"no free name for a run in {self.root}; give one")


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, which need not exist; one that must not be entered is left out."""
    try:
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(f"cannot read the folder {folder}: {error.strerror}") from error
    return [path for path in found if os.access(path, os.X_OK)]


def _created(run: Run) -> str:
    try:
        return run.info().created
    except RunFolderError:  # a damaged run is listed last, and must not hide the others
        return ""


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(
        f"cannot create {folder}: {error.strerror}; choose another runs folder with --runs DIR "
        f"or the setting 'runs'"
    )
