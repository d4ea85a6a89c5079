"""Judging a patch: the hidden tests on a clean copy, before it and after it."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable

from envs.errors import SandboxError
from envs.layout import lay_out
from envs.patches import patch_paths, split_patch
from envs.pytestlog import TestLog, parse_pytest
from envs.sandbox import Sandbox
from envs.task import HiddenTests, IssueTask
from results.records import Verdict

MakeSandbox = Callable[[], Sandbox]

PATCH_FILE = "/tmp/verify.patch"
LOG_FILE = "/tmp/verify.log"
LOG_BYTES = 8 * 2**20
CONTROL_SECONDS = 60.0


def verify(task: IssueTask, patch: str, make_sandbox: MakeSandbox) -> Verdict:
    """Judge one patch; see Verifier."""
    return Verifier(make_sandbox).verify(task, patch)


class Verifier:
    """Judges patches in fresh sandboxes, all made by one factory and so of one kind.

    The run without the patch is made once for each task and remembered.
    """

    def __init__(self, make_sandbox: MakeSandbox) -> None:
        self._make_sandbox = make_sandbox
        self._before: dict[str, TestLog] = {}

    def using(self, make_sandbox: MakeSandbox) -> Verifier:
        """The same judge with other sandboxes of the kind: it remembers the same runs."""
        other = Verifier(make_sandbox)
        other._before = self._before
        return other

    def verify(self, task: IssueTask, patch: str) -> Verdict:
        """Whether `patch` makes the task's failing tests pass and breaks no other.

        Changes to the hidden test files, and to a conftest.py that acts on
        them, are left out of the patch. Raises SandboxError when a sandbox
        cannot be had, or the task has no tests.
        """
        if task.tests is None:
            raise SandboxError(f"task {task.instance} has no tests to verify a patch with")
        before = self.before(task)
        if not patch.strip():
            return _judge(task.tests, before, before, ["the patch is empty"])
        with self._make_sandbox() as sandbox:
            lay_out(sandbox, task)
            if refusal := _apply(task, patch, sandbox):
                nothing = TestLog({}, broken=refusal)
                return _judge(task.tests, before, nothing, [])
            after = _run_tests(task, task.tests, sandbox)
        return _judge(task.tests, before, after, _left_out(task.tests, patch))

    def before(self, task: IssueTask) -> TestLog:
        """What the hidden tests say of the repository as it is."""
        assert task.tests is not None
        if task.instance not in self._before:
            with self._make_sandbox() as sandbox:
                lay_out(sandbox, task)
                self._before[task.instance] = _run_tests(task, task.tests, sandbox)
        return self._before[task.instance]


def _apply(task: IssueTask, patch: str, sandbox: Sandbox) -> str:
    """Apply the patch without the parts that belong to the tests; "" or why it does not apply."""
    assert task.tests is not None
    excluded = [f"--exclude={_literal(path)}" for path in _protected(task.tests, patch)]
    sandbox.write_file(PATCH_FILE, patch.encode("utf-8", "surrogateescape"))
    git = ["git", "-c", "safe.directory=*", "-C", task.root, "apply", "--whitespace=nowarn"]
    result = sandbox.control(shlex.join([*git, *excluded, PATCH_FILE]), timeout=CONTROL_SECONDS)
    if result.exit_code == 0:
        return ""
    return f"the patch does not apply: {result.output.strip()[-500:]}"


def _run_tests(task: IssueTask, tests: HiddenTests, sandbox: Sandbox) -> TestLog:
    """Write the hidden files over the tree and run the test command."""
    for path, content in tests.files.items():
        target = posixpath.join(task.root, path)
        folder = shlex.quote(posixpath.dirname(target))
        place = f"mkdir -p {folder} && rm -rf {shlex.quote(target)}"
        sandbox.control(place, timeout=CONTROL_SECONDS)
        sandbox.write_file(target, content)
    # Through a file: what a control command may return is capped, and the summary comes last.
    command = (
        f"set -o pipefail; cd {shlex.quote(task.root)} && "
        f"( {tests.command} ) 2>&1 | tail -c {LOG_BYTES} > {LOG_FILE}"
    )
    result = sandbox.run_fresh(command, timeout=tests.timeout)
    if result.ending == "timeout":
        return TestLog({}, broken=f"the tests took more than {tests.timeout:.0f} s")
    if result.ending == "lost":
        raise SandboxError(
            "the sandbox went away while the tests ran; run the command again",
            cause=result.cause or "container_gone",
        )
    output = sandbox.read_file(LOG_FILE).decode("utf-8", "replace")
    return parse_pytest(output, result.exit_code, {*tests.fail_to_pass, *tests.pass_to_pass})


def _judge(tests: HiddenTests, before: TestLog, after: TestLog, notes: list[str]) -> Verdict:
    named = tests.pass_to_pass or tuple(
        test
        for test, outcome in before.outcomes.items()
        if outcome == "passed" and test not in tests.fail_to_pass
    )
    fail_to_pass = {test: after.passed(test) for test in tests.fail_to_pass}
    pass_to_pass = after.kept(named)
    sound = [test for test in tests.fail_to_pass if before.passed(test)]
    if sound:
        notes = [*notes, f"passed already before the patch: {', '.join(sound)}"]
    if before.broken:
        notes = [*notes, f"before the patch: {before.broken}"]
    if after.broken:
        notes = [*notes, after.broken]
    resolved = all((*fail_to_pass.values(), *pass_to_pass.values())) and not after.broken
    return Verdict(resolved, fail_to_pass, pass_to_pass, "; ".join(notes))


def _protected(tests: HiddenTests, patch: str) -> list[str]:
    """Paths in the patch that are the judge's: hidden files, and any conftest.py above one."""
    folders = {""}
    for path in tests.files:
        folder = posixpath.dirname(path)
        while folder:
            folders.add(folder)
            folder = posixpath.dirname(folder)
    conftests = {posixpath.join(folder, "conftest.py") for folder in folders}
    changed = {path for section in split_patch(patch) for path in patch_paths(section)}
    return sorted(changed & (tests.files.keys() | conftests))


def _left_out(tests: HiddenTests, patch: str) -> list[str]:
    paths = _protected(tests, patch)
    return [f"left out of the patch: {', '.join(paths)}"] if paths else []


def _literal(path: str) -> str:
    """A git pattern that matches this path and nothing else."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", path)
