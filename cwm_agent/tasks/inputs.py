"""From the words of a command line to a job: reads the issue, the tests and the checkout."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cwm_agent.config.settings import Seconds
from cwm_agent.errors import UsageError
from cwm_agent.parsing import parse_yaml
from cwm_agent.tasks.checkout import read_checkout
from cwm_agent.tasks.job import CheckoutRecord, TestsRecord
from envs.errors import ReportError
from envs.harbor.task import HarborTask
from envs.problem.problem import Problem
from envs.repository.reports import EXIT_CODE, read_report_kind
from envs.swebench.rows import Instance

EXAMPLE = "example:"

GENERATED = "nano:"

STDIN = "-"
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)(KEY|AUTH)", re.IGNORECASE)
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LOOKS_LIKE_A_PATH = re.compile(r"\S*(/\S*|\.(md|txt|rst|markdown))")
_LAYOUT = (
    "a tests file has command, fail_to_pass, and optionally report, files, pass_to_pass, timeout"
)
_NO_ISSUE = "give the issue as text, as a file, or '-' to read it from standard input"


@dataclass(frozen=True, slots=True)
class Issue:
    """The text of an issue and a short name for it."""

    name: str
    text: str


def read_issue(argument: str | None) -> Issue:
    """The issue that ISSUE stands for; raises UsageError when there is none or it is empty."""
    if argument is None:
        raise UsageError(f"no issue; {_NO_ISSUE}")
    if argument == STDIN:
        issue = Issue("issue", sys.stdin.buffer.read().decode("utf-8", errors="replace"))
        place = "standard input"
    elif _is_file(argument):
        place = argument
        issue = Issue(Path(argument).stem, _read_text(Path(argument)))
    elif _LOOKS_LIKE_A_PATH.fullmatch(argument):
        raise UsageError(f"there is no file {argument}; {_NO_ISSUE}")
    else:
        place = "the text"
        issue = Issue("issue", argument)
    if not issue.text.strip():
        raise UsageError(f"the issue is empty ({place}); {_NO_ISSUE}")
    return Issue(_NAME.sub("-", issue.name).strip(".-") or "issue", issue.text)


def read_repository(folder: Path, *, dirty: bool) -> CheckoutRecord:
    """The state of the user's checkout; raises UsageError when it cannot be worked from."""
    return CheckoutRecord.of(read_checkout(folder, dirty=dirty))


class _TestsFile(BaseModel):
    """The layout of a `--tests` file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    command: str = Field(min_length=1)
    report: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    fail_to_pass: list[str] = Field(default_factory=list)
    pass_to_pass: list[str] = Field(default_factory=list)
    timeout: Seconds = 600.0


def read_tests(
    command: str | None, file: Path | None, report: str | None = None
) -> TestsRecord | None:
    """What judges the patch: a command alone, or a YAML file with named tests.

    The file's keys: `command`, `report` (see envs.repository.reports; default
    `pytest`, a -rA summary), `files` (path in the repository to a file beside
    the YAML file whose content is written there), `fail_to_pass` (left out
    where the exit code reports), `pass_to_pass`, `timeout` in seconds.
    `report` given here goes with `command` only. Raises UsageError.
    """
    if file is not None and command is not None:
        raise UsageError("give --test or --tests, not both")
    if report is not None and command is None:
        raise UsageError(
            "--test-report says how --test reports: give --test COMMAND, too; a file of --tests "
            "has the key report"
        )
    if file is None:
        if command is None:
            return None
        kind = _report_kind(report, "--test-report")
        return TestsRecord({}, command, find_failing=True, report=kind)
    wanted = _read_tests_file(file)
    kind = _report_kind(wanted.report, f"{file}: report")
    named = tuple(wanted.fail_to_pass) or ((EXIT_CODE,) if kind == "exit-code" else ())
    if not named:
        raise UsageError(f"{file}: fail_to_pass names no test; {_LAYOUT}")
    contents = {
        target: _read_bytes(file.parent / source) for target, source in wanted.files.items()
    }
    return TestsRecord(
        {target: content.decode("latin-1") for target, content in contents.items()},
        wanted.command,
        named,
        tuple(wanted.pass_to_pass),
        wanted.timeout,
        report=kind,
    )


def read_variables(texts: Iterable[str]) -> dict[str, str]:
    """Variables from NAME=VALUE; raises UsageError for one without a value."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not is_variable(name):
            raise UsageError(f"'{text}' is not a variable; use --env NAME=VALUE")
        found[name] = value
    return found


def is_variable(name: str) -> bool:
    """Whether a variable of the sandbox can have that name."""
    return _VARIABLE.fullmatch(name) is not None


def check_folder(path: str) -> str:
    """A folder in a sandbox that can hold a repository; raises UsageError."""
    folder = posixpath.normpath(path)
    if not folder.startswith("/") or folder.strip("/") == "" or "\0" in folder:
        raise UsageError(f"'{path}' cannot hold a repository; use e.g. --workdir /app")
    return "/" + folder.strip("/")


def secret_names(variables: Iterable[str]) -> list[str]:
    """Those whose name says that the value is a secret, which nothing here keeps."""
    return [name for name in variables if _SECRET.search(name)]


def _read_tests_file(file: Path) -> _TestsFile:
    try:
        document = parse_yaml(_read_text(file))
        if not isinstance(document, dict):
            raise UsageError(f"{file} is not a mapping; {_LAYOUT}")
        return _TestsFile.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{file}: {where}: {first['msg']}; {_LAYOUT}") from error
    except ValueError as error:
        raise UsageError(f"{file} is not valid YAML: {error}") from error


def _report_kind(text: str | None, where: str) -> str:
    """The way to report, checked; pytest's if none is named."""
    try:
        read_report_kind(text or "pytest")
    except ReportError as error:
        raise UsageError(f"{where}: {error}") from error
    return text or "pytest"


def _is_file(argument: str) -> bool:
    try:
        return Path(argument).is_file()
    except (OSError, ValueError):  # an issue text may be too long for a name, or hold a NUL
        return False


def _read_text(path: Path) -> str:
    return _read_bytes(path).decode("utf-8", errors="replace")


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check the path") from error


@dataclass(frozen=True, slots=True)
class Request:
    """The options of `cwm-agent solve`, as given; `flags` are settings by their dotted keys.

    `instance` is a row of SWE-bench, `problem` a problem, `harbor` a task folder, in the place of
    an issue and its
    repository.
    `image` goes before the setting sandbox.image; `workdir` is the repository's
    place in the sandbox, `variables` and the commands `setup` are the sandbox's.
    """

    issue: str | None = None
    instance: Instance | None = None
    problem: Problem | None = None
    harbor: HarborTask | None = None
    repository: Path | None = None
    dirty: bool = False
    apply: bool = False
    replay: Path | None = None
    human: bool = False
    pip: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    image: str | None = None
    workdir: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    test: str | None = None
    test_report: str | None = None
    tests: Path | None = None
    name: str | None = None
    resume: str | None = None
    repair: bool = False
    config_files: tuple[Path, ...] = ()
    assignments: tuple[str, ...] = ()
    flags: Mapping[str, object] = field(default_factory=dict)

    def within(self, variables: Mapping[str, str], setup: tuple[str, ...]) -> Request:
        """The same in sandboxes that also have what a whole run asks for; its own goes before."""
        merged = {**variables, **self.variables}
        return replace(self, variables=merged, setup=(*setup, *self.setup))

    @property
    def example(self) -> str | None:
        """The name of an example that is asked for."""
        return _after(EXAMPLE, self.issue)

    @property
    def generated(self) -> str | None:
        """The seed of a generated task that is asked for, with its set unless that is `seen`."""
        return _after(GENERATED, self.issue)


def _after(prefix: str, issue: str | None) -> str | None:
    if issue is None or not issue.startswith(prefix):
        return None
    return issue.removeprefix(prefix)
