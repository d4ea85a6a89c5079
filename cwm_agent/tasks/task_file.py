"""A suite of own tasks: YAML (or JSON) with a list, or JSON lines.

The keys of a task are those of `Entry`; paths are taken from the file's own folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from cwm_agent.errors import UsageError
from cwm_agent.generated.task import MEASURED
from cwm_agent.parsing import parse_yaml
from cwm_agent.tasks.inputs import EXAMPLE, GENERATED, Request, is_variable
from results.json_rows import rows_of_lines

_REMEDY = (
    "a suite is a YAML list or JSON lines of tasks; each is `example: NAME`, `nano: SET/SEED`, "
    "or has instance, issue (or issue_file), repo or image, and optionally workdir, env, setup, "
    "pip, apt, test, test_report, tests"
)
_OF_OWN_ISSUES = ("repo", "tests", "test", "test_report", "pip", "apt", "image", "workdir")
_RANGE = re.compile(r"(.*?)(\d+)\.\.(\d+)")


def _usable(text: str) -> str:
    """A text that a command line and a file can hold: YAML refuses the others, JSON does not."""
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it holds half of a surrogate pair, which is no character")
    return text


Text = Annotated[str, AfterValidator(_usable)]


class Entry(BaseModel):
    """One task of a suite's file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    instance: Text | None = Field(default=None, min_length=1)
    issue: Text | None = Field(default=None, min_length=1)
    issue_file: Text | None = None
    repo: Text | None = None
    pip: list[Text] = Field(default_factory=list)
    apt: list[Text] = Field(default_factory=list)
    image: Text | None = Field(default=None, min_length=1)
    workdir: Text | None = None
    env: dict[Text, Text] = Field(default_factory=dict)
    setup: list[Text] = Field(default_factory=list)
    test: Text | None = None
    test_report: Text | None = None
    tests: Text | None = None
    example: Text | None = None
    nano: Text | None = None
    replay: Text | None = None
    difficulty: Text = ""

    @property
    def id(self) -> str:
        """The instance id."""
        known = self.example or (f"nano-{self.nano}" if self.nano else None)
        return self.instance or (known or "").replace("/", "-")

    @property
    def repository(self) -> str:
        """What a selection by repository compares: the name of the folder `repo`."""
        return Path(self.repo).name if self.repo else ""


def read_tasks(path: Path) -> list[Entry]:
    """The tasks of a file, in their order; raises UsageError naming the task at fault."""
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
    names = Counter(entry.id for entry in found)
    if twice := [name for name, count in names.items() if count > 1]:
        raise UsageError(f"{path} names the instance {twice[0]!r} more than once")
    return found


def named_tasks(name: str) -> list[Entry]:
    """The tasks of `nano:SET/A..B`, `nano:SET/A` or `example:NAME`, as `solve` names them."""
    if name.startswith(EXAMPLE):
        return [Entry(example=name.removeprefix(EXAMPLE))]
    numbers = name.removeprefix(GENERATED)
    return [*_expanded(Entry(nano=numbers if "/" in numbers else f"{MEASURED[0]}/{numbers}"))]


def _read(path: Path) -> list[object]:
    if not path.is_file():
        raise UsageError(f"there is no suite {path}; {_REMEDY}")
    try:
        data = path.read_bytes()
        if path.suffix == ".jsonl":
            document: object = [row.value for row in rows_of_lines(data)]
        else:
            document = parse_yaml(data.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the suite {path}: {error}; {_REMEDY}") from error
    if document in (None, []):
        raise UsageError(f"the suite {path} is empty; {_REMEDY}")
    if not isinstance(document, list):
        raise UsageError(f"the suite {path} is not a list of tasks; {_REMEDY}")
    return document


def _expanded(entry: Entry) -> Iterator[Entry]:
    """`nano: seen/1..40` stands for forty tasks."""
    found = _RANGE.fullmatch(entry.nano or "")
    if found is None or entry.instance is not None:
        yield entry
        return
    prefix, first, last = found.groups()
    if int(first) > int(last):
        raise UsageError(f"nano: {entry.nano} are no tasks: the range ends before it begins")
    for seed in range(int(first), int(last) + 1):
        yield entry.model_copy(update={"nano": f"{prefix}{seed}"})


def _check(entry: Entry, where: str) -> None:
    kinds = [entry.example, entry.nano, entry.issue, entry.issue_file]
    if sum(kind is not None for kind in kinds) != 1:
        raise UsageError(f"{where}: give one of example, nano, issue, issue_file; {_REMEDY}")
    own = entry.issue is not None or entry.issue_file is not None
    if own and entry.instance is None:
        raise UsageError(f"{where}: an issue of your own needs a name: instance; {_REMEDY}")
    if not own and any(getattr(entry, key) for key in _OF_OWN_ISSUES):
        raise UsageError(f"{where}: an example or nano task has its own repository and tests")
    if entry.nano is not None and "/" not in entry.nano:
        raise UsageError(f"{where}: name the set too, such as nano: seen/{entry.nano}")
    if odd := [name for name in entry.env if not is_variable(name)]:
        raise UsageError(
            f"{where}: env: {odd[0]!r} is not the name of a variable: use letters, digits and _"
        )


def request_of(entry: Entry, folder: Path, replay: Path | None) -> Request:
    """What `solve` would be asked for this task of a file in `folder`.

    `replay` is a recording for every task, or a folder of them (see `recording_in`).
    """
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
        image=entry.image,
        workdir=entry.workdir,
        variables=dict(entry.env),
        setup=tuple(entry.setup),
        test=entry.test,
        test_report=entry.test_report,
        tests=folder / entry.tests if entry.tests else None,
    )


def _recording(entry: Entry, folder: Path, replay: Path | None) -> Path | None:
    if replay is None:
        return folder / entry.replay if entry.replay else None
    return recording_in(replay, entry.id)


def recording_in(replay: Path, instance: str) -> Path:
    """The recording itself, or that of an instance in a folder of `<instance>.yaml`."""
    return replay / f"{instance}.yaml" if replay.is_dir() else replay
