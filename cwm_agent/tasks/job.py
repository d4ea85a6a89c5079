"""What one attempt is about, as a record beside its journal, so that it can be resumed by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.checkout import Checkout
from envs.problem.problem import Kind
from envs.task import HiddenTests, IssueTask, Recipe
from results.errors import RunFolderError
from results.files import read_record, write_record

JOB_FILE = "job.json"
NO_SANDBOX = "none"
"""The sandbox of a job with a problem."""


@dataclass(frozen=True, slots=True)
class TestsRecord:
    """`envs.task.HiddenTests` as text; file contents are latin-1, which keeps every byte.

    `find_failing` means that the tests to be fixed are those that fail before the patch.
    """

    __test__ = False

    files: dict[str, str]
    command: str
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    timeout: float = 600.0
    find_failing: bool = False
    report: str = "pytest"

    @classmethod
    def of(cls, tests: HiddenTests) -> TestsRecord:
        """The record of hidden tests."""
        return cls(
            {path: content.decode("latin-1") for path, content in tests.files.items()},
            tests.command,
            tests.fail_to_pass,
            tests.pass_to_pass,
            tests.timeout,
            report=tests.report,
        )

    def restore(self) -> HiddenTests:
        """The hidden tests of the record."""
        return HiddenTests(
            {path: text.encode("latin-1") for path, text in self.files.items()},
            self.command,
            self.fail_to_pass,
            self.pass_to_pass,
            self.timeout,
            self.report,
        )


@dataclass(frozen=True, slots=True)
class CheckoutRecord:
    """`cwm_agent.tasks.checkout.Checkout` as text."""

    root: str
    commit: str
    changes: str = ""
    nested: tuple[CheckoutRecord, ...] = ()

    @classmethod
    def of(cls, checkout: Checkout) -> CheckoutRecord:
        """The record of a checkout."""
        nested = tuple(cls.of(found) for found in checkout.nested)
        return cls(str(checkout.root), checkout.commit, checkout.changes, nested)

    def restore(self) -> Checkout:
        """The checkout of the record."""
        nested = tuple(found.restore() for found in self.nested)
        return Checkout(Path(self.root), self.commit, self.changes, nested)


@dataclass(frozen=True, slots=True)
class ProblemRecord:
    """What a problem asks for beside its text (envs.problem.problem.Problem)."""

    kind: Kind
    starter: str = ""


@dataclass(frozen=True, slots=True)
class HarborRecord:
    """The folder of a Harbor task, and the key of what was in it."""

    folder: str
    key: str


@dataclass(frozen=True, slots=True)
class Job:
    """One issue, one repository, one policy, one kind of sandbox; or one problem, and a policy.

    `build` is a command that makes `image` where it cannot be pulled. `root` ""
    means the folder where the image has its repository, to be found there.
    `variables` and the commands `setup` are of its sandboxes, not of an image. With `problem`,
    `issue` is its text, and there is no sandbox. `harbor` is a task that brings its own
    environment and tests.
    """

    instance: str
    issue: str
    policy: PolicyChoice
    sandbox: str
    checkout: CheckoutRecord | None = None
    image: str | None = None
    build: str = ""
    root: str = "/testbed"
    pip: tuple[str, ...] = ()
    apt: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    tests: TestsRecord | None = None
    apply: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    problem: ProblemRecord | None = None
    harbor: HarborRecord | None = None

    def source(self) -> Checkout | None:
        """The user's checkout, None when the image holds the repository."""
        return None if self.checkout is None else self.checkout.restore()

    def task(self, repository: Path | None) -> IssueTask:
        """The task with the working copy at `repository`."""
        return IssueTask(
            instance=self.instance,
            issue=self.issue,
            repository=repository,
            image=self.image,
            recipe=self.recipe(),
            root=self.root,
            tests=self.tests.restore() if self.tests else None,
            setup=self.setup,
        )

    def recipe(self) -> Recipe | None:
        """What the repository needs to run, None for nothing beyond the base."""
        if not (self.pip or self.apt or self.environment):
            return None
        return Recipe(self.pip, self.apt, tuple(sorted(self.environment.items())))


def write_job(folder: Path, job: Job) -> None:
    """Keep the job in an attempt's folder; raises RunFolderError."""
    write_record(folder / JOB_FILE, job)


def read_job(folder: Path) -> Job:
    """The job of an attempt's folder; raises RunFolderError when it is missing or damaged."""
    job = read_record(Job, folder / JOB_FILE)
    if job is None:
        raise RunFolderError(f"{folder} cannot be resumed: it has no {JOB_FILE}; start a new run")
    return job
