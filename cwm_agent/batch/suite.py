"""From the name of a suite to the jobs of a run.

A suite is a file of tasks: YAML (or JSON) with a list, or JSON lines. The keys
of a task are those of `Entry`; paths are taken from the file's own folder.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cwm_agent.errors import UsageError
from cwm_agent.job import Job
from cwm_agent.planning import EXAMPLE, GENERATED, Request

_REMEDY = (
    "a suite is a YAML list or JSON lines of tasks; each is `example: NAME`, `nano: SET/SEED`, "
    "or has instance, issue (or issue_file), repo, and optionally pip, apt, test, tests"
)
_RANGE = re.compile(r"(.*?)(\d+)\.\.(\d+)")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances of a suite to take: by id, by a pattern in the id, by their place."""

    ids: tuple[str, ...] = ()
    pattern: str | None = None
    part: str | None = None

    def take(self, instances: Sequence[str]) -> list[str]:
        """The chosen ones in the suite's order; raises UsageError when nothing is left."""
        if unknown := [name for name in self.ids if name not in instances]:
            raise UsageError(
                f"the suite has no instance {unknown[0]!r}; it has {', '.join(instances[:5])}"
                f"{', ...' if len(instances) > 5 else ''}"
            )
        found = [name for name in instances if not self.ids or name in self.ids]
        if self.pattern is not None:
            found = [name for name in found if _compiled(self.pattern).search(name)]
        if self.part is not None:
            found = found[_slice(self.part)]
        if not found:
            raise UsageError("no instance is left of the suite; loosen --id, --match or --slice")
        return found


class Entry(BaseModel):
    """One task of a suite's file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    instance: str | None = Field(default=None, min_length=1)
    issue: str | None = Field(default=None, min_length=1)
    issue_file: str | None = None
    repo: str | None = None
    pip: list[str] = Field(default_factory=list)
    apt: list[str] = Field(default_factory=list)
    test: str | None = None
    tests: str | None = None
    example: str | None = None
    nano: str | None = None
    replay: str | None = None

    @property
    def name(self) -> str:
        """The instance id."""
        known = self.example or (f"nano-{self.nano}" if self.nano else None)
        return self.instance or (known or "").replace("/", "-")


Plan = Callable[[Request], Job]
"""Checks what a task asks for and makes it a job (cwm_agent.planning.plan with settings)."""


def load_tasks(suite: str, selection: Selection, plan: Plan, replay: Path | None) -> list[Job]:
    """The chosen jobs of a suite, those with the same environment one after the other.

    `replay` is a recording for every task, or a folder with one of the name
    `<instance>.yaml` for each. Raises UsageError naming the task at fault.
    """
    path = Path(suite)
    entries = {entry.name: entry for entry in _entries(path)}
    jobs = []
    for name in selection.take(list(entries)):
        entry = entries[name]
        try:
            job = plan(_request(entry, path.parent, replay))
        except UsageError as error:
            raise UsageError(f"{path}, {name}: {error}") from error
        jobs.append(replace(job, instance=name))
    order = {key: place for place, key in reversed(list(enumerate(map(_environment, jobs))))}
    return sorted(jobs, key=lambda job: order[_environment(job)])


def brings_recordings(suite: str, selection: Selection) -> bool:
    """Whether every chosen task says itself what is answered."""
    entries = {entry.name: entry for entry in _entries(Path(suite))}
    chosen = [entries[name] for name in selection.take(list(entries))]
    return all(entry.replay or entry.example for entry in chosen)


def _environment(job: Job) -> tuple[object, ...]:
    """Jobs with an equal one share an image or virtual environment."""
    return job.image, job.pip, job.apt, tuple(sorted(job.environment.items()))


def _entries(path: Path) -> list[Entry]:
    found: list[Entry] = []
    for number, raw in enumerate(_read(path), start=1):
        try:
            entry = Entry.model_validate(raw)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the task"
            raise UsageError(
                f"{path}, task {number}: {where}: {first['msg']}; {_REMEDY}"
            ) from error
        found += _expanded(entry)
    for number, entry in enumerate(found, start=1):
        _check(entry, f"{path}, task {number}")
    names = Counter(entry.name for entry in found)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"{path} names the instance {twice[0]!r} more than once")
    return found


def _read(path: Path) -> list[object]:
    if not path.is_file():
        raise UsageError(f"there is no suite {path}; {_REMEDY}")
    try:
        text = path.read_text("utf-8")
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        document = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"cannot read the suite {path}: {reason}; {_REMEDY}") from error
    if not isinstance(document, list) or not document:
        raise UsageError(f"the suite {path} is not a list of tasks; {_REMEDY}")
    return document


def _expanded(entry: Entry) -> Iterator[Entry]:
    """`nano: seen/1..40` stands for forty tasks."""
    found = _RANGE.fullmatch(entry.nano or "")
    if found is None or entry.instance is not None:
        yield entry
        return
    prefix, first, last = found.groups()
    for seed in range(int(first), int(last) + 1):
        yield entry.model_copy(update={"nano": f"{prefix}{seed}"})


def _check(entry: Entry, where: str) -> None:
    kinds = [entry.example, entry.nano, entry.issue, entry.issue_file]
    if sum(kind is not None for kind in kinds) != 1:
        raise UsageError(f"{where}: give one of example, nano, issue, issue_file; {_REMEDY}")
    own = entry.issue is not None or entry.issue_file is not None
    if own and entry.instance is None:
        raise UsageError(f"{where}: an own issue needs a name: instance; {_REMEDY}")
    if not own and (entry.repo or entry.tests or entry.test or entry.pip or entry.apt):
        raise UsageError(f"{where}: an example or nano task has its own repository and tests")
    if entry.nano is not None and "/" not in entry.nano:
        raise UsageError(f"{where}: name the set too, such as nano: seen/{entry.nano}")


def _request(entry: Entry, folder: Path, replay: Path | None) -> Request:
    """What `solve` would be asked for this task."""
    issue = entry.issue
    if entry.issue_file is not None:
        issue = str(folder / entry.issue_file)
    elif entry.example is not None:
        issue = EXAMPLE + entry.example
    elif entry.nano is not None:
        issue = GENERATED + entry.nano
    return Request(
        issue=issue,
        repository=folder / entry.repo if entry.repo else None,
        replay=_recording(entry, folder, replay),
        pip=tuple(entry.pip),
        apt=tuple(entry.apt),
        test=entry.test,
        tests=folder / entry.tests if entry.tests else None,
    )


def _recording(entry: Entry, folder: Path, replay: Path | None) -> Path | None:
    if replay is None:
        return folder / entry.replay if entry.replay else None
    return replay / f"{entry.name}.yaml" if replay.is_dir() else replay


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--match {pattern!r} is not a regular expression: {error}") from error


def _slice(text: str) -> slice:
    first, colon, last = text.partition(":")
    try:
        ends = [int(end) if end else None for end in (first, last)]
    except ValueError as error:
        raise UsageError(f"--slice {text!r} is not like 0:50, 50: or :-10") from error
    if not colon:
        raise UsageError(f"--slice {text!r} is not like 0:50, 50: or :-10")
    return slice(*ends)
