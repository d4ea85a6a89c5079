"""Judging patches by hidden tests, in bubblewrap on a small repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.errors import SandboxError
from envs.repository.verify import Verifier, verify
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import HiddenTests, IssueTask

pytestmark = pytest.mark.skipif(not shutil.which("bwrap"), reason="needs bubblewrap")

CODE = "def double(number):\n    return number + 1\n\n\ndef greet():\n    return 'hello'\n"
VISIBLE = "from code_ import greet\n\n\ndef test_greet():\n    assert greet() == 'hello'\n"
HIDDEN = (
    "from code_ import double, greet\n\n\n"
    "def test_double():\n    assert double(4) == 8\n\n\n"
    "def test_greet():\n    assert greet() == 'hello'\n"
)
COMMAND = (
    f"PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest -rA -p no:cacheprovider tests"
)
FAILING = "tests/test_code.py::test_double"
PASSING = "tests/test_code.py::test_greet"


class Repository:
    """A git repository whose changes can be taken as a patch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("code_.py", CODE)
        self.write("conftest.py", "")
        self.write("tests/test_code.py", VISIBLE)
        self.git("init", "-q")
        self.commit()

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "start")

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def patch(self, **changes: str) -> str:
        """The diff of replacing files (`__` for `/`), which are put back."""
        for name, text in changes.items():
            self.write(name.replace("__", "/") + ".py", text)
        self.git("add", "-A")
        diff = self.git("diff", "--cached", "--binary")
        self.git("reset", "-q", "--hard")
        return diff


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


@pytest.fixture
def task(repository: Repository) -> IssueTask:
    tests = HiddenTests({"tests/test_code.py": HIDDEN.encode()}, COMMAND, (FAILING,))
    return IssueTask("sample", "double() is wrong", repository.folder, tests=tests)


def make_sandbox() -> Sandbox:
    owner = Owner("tests", "verify", 0, os.getpid(), boot_id())
    return BubblewrapSandbox(limits=SandboxLimits(), owner=owner)


FIXED = CODE.replace("+ 1", "* 2")


def test_a_good_patch_is_resolved(task: IssueTask, repository: Repository) -> None:
    verdict = verify(task, repository.patch(code_=FIXED), make_sandbox)
    assert verdict.resolved
    assert verdict.fail_to_pass == {FAILING: True}
    assert verdict.pass_to_pass == {PASSING: True}
    assert verdict.detail == ""


def test_a_patch_that_breaks_another_test_is_not(task: IssueTask, repository: Repository) -> None:
    broken = FIXED.replace("'hello'", "'goodbye'")
    verdict = verify(task, repository.patch(code_=broken), make_sandbox)
    assert not verdict.resolved
    assert verdict.fail_to_pass == {FAILING: True}
    assert verdict.pass_to_pass == {PASSING: False}


def test_a_patch_that_changes_nothing_that_matters_is_not(
    task: IssueTask, repository: Repository
) -> None:
    verdict = verify(task, repository.patch(notes="TEXT = ''\n"), make_sandbox)
    assert not verdict.resolved
    assert verdict.fail_to_pass == {FAILING: False}


def test_changes_to_the_hidden_files_are_left_out_and_said_so(
    task: IssueTask, repository: Repository
) -> None:
    patch = repository.patch(code_=FIXED, tests__test_code="def test_double(): pass\n")
    verdict = verify(task, patch, make_sandbox)
    assert verdict.resolved
    assert verdict.detail == "left out of the patch: tests/test_code.py"


def test_a_conftest_cannot_forge_the_outcome(task: IssueTask, repository: Repository) -> None:
    forging = (
        "import pytest\n\n\n@pytest.hookimpl(wrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    report = yield\n"
        "    report.outcome, report.longrepr = 'passed', None\n    return report\n"
    )
    honest = verify(task, repository.patch(conftest=forging), make_sandbox)
    assert not honest.resolved
    assert honest.detail == "left out of the patch: conftest.py"
    repository.write("conftest.py", forging)
    repository.commit()
    assert verify(task, repository.patch(notes=""), make_sandbox).fail_to_pass == {FAILING: True}


def test_a_process_that_ends_early_as_if_all_was_well_proves_nothing(
    task: IssueTask, repository: Repository
) -> None:
    leaving = "import os\n\nos._exit(0)\n" + CODE
    verdict = verify(task, repository.patch(code_=leaving), make_sandbox)
    assert not verdict.resolved
    assert verdict.fail_to_pass == {FAILING: False}
    assert verdict.pass_to_pass == {PASSING: False}


def test_a_patch_for_another_tree_says_that_it_does_not_apply(
    task: IssueTask, repository: Repository
) -> None:
    patch = repository.patch(code_=FIXED).replace("number + 1", "number + 3")
    verdict = verify(task, patch, make_sandbox)
    assert not verdict.resolved
    assert "the patch does not apply" in verdict.detail
    assert "code_.py" in verdict.detail


def test_binary_files_in_a_patch_apply(task: IssueTask, repository: Repository) -> None:
    (repository.folder / "picture.bin").write_bytes(bytes(range(256)))
    assert verify(task, repository.patch(code_=FIXED), make_sandbox).resolved


def test_tests_that_never_end_are_stopped(task: IssueTask, repository: Repository) -> None:
    assert task.tests is not None
    slow = replace(task, tests=replace(task.tests, command="sleep 600", timeout=1.0))
    verdict = verify(slow, repository.patch(code_=FIXED), make_sandbox)
    assert not verdict.resolved
    assert "the tests took more than 1 s" in verdict.detail


def test_a_test_that_did_not_fail_before_is_pointed_out(
    task: IssueTask, repository: Repository
) -> None:
    assert task.tests is not None
    wrong = replace(task, tests=replace(task.tests, fail_to_pass=(PASSING,)))
    verdict = verify(wrong, repository.patch(notes=""), make_sandbox)
    assert verdict.detail == f"passed already before the patch: {PASSING}"


def test_a_huge_log_still_ends_with_its_summary(task: IssueTask, repository: Repository) -> None:
    assert task.tests is not None
    loud = f"head -c 20000000 /dev/zero | tr '\\0' 'x'; {COMMAND}"
    tests = replace(task.tests, command=loud)
    assert verify(replace(task, tests=tests), repository.patch(code_=FIXED), make_sandbox).resolved


def test_the_run_without_the_patch_is_made_once(task: IssueTask, repository: Repository) -> None:
    made: list[Sandbox] = []

    def counting() -> Sandbox:
        made.append(make_sandbox())
        return made[-1]

    verifier = Verifier(counting)
    patch = repository.patch(code_=FIXED)
    assert verifier.verify(task, patch) == verifier.verify(task, patch)
    assert len(made) == 3


def test_the_checkout_stays_as_it_is(task: IssueTask, repository: Repository) -> None:
    verify(task, repository.patch(code_=FIXED), make_sandbox)
    assert repository.git("status", "--porcelain", "--ignored") == ""


def test_a_task_without_tests_cannot_be_judged(task: IssueTask) -> None:
    with pytest.raises(SandboxError, match="has no tests"):
        verify(replace(task, tests=None), "", make_sandbox)
