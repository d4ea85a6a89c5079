"""Judging a patch: the hidden tests on a clean copy, before it and after it.

The patch is applied as the official grader would apply it.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable
from dataclasses import replace

from envs.errors import SandboxError
from envs.repository.applying import apply_as_graded
from envs.repository.layout import lay_out
from envs.repository.patches import patch_paths, split_patch
from envs.repository.pytest_log import TestLog
from envs.repository.reports import Report, parse, read_report_kind
from envs.sandbox.sandbox import Sandbox
from envs.task import HiddenTests, IssueTask
from results.records import Verdict

MakeSandbox = Callable[[], Sandbox]
Keep = Callable[[str, str], None]
"""Takes what the tests printed: "before" or "after" the patch, and the text."""

PATCH_FILE = "/tmp/verify.patch"
APPLY_LOG = "/tmp/verify.apply"
KEPT_FOLDER = "/tmp/verify.kept"
LOG_FILE = "/tmp/verify.log"
REPORTS_FILE = "/tmp/verify.xml"
LOG_BYTES = 8 * 2**20
REPORT_BYTES = 32 * 2**20
REASON_CHARACTERS = 500
CONTROL_SECONDS = 120.0


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

    def verify(self, task: IssueTask, patch: str, keep: Keep | None = None) -> Verdict:
        """Whether `patch` makes the task's failing tests pass and breaks no other.

        The hidden test files, and any conftest.py that acts on them, are the
        judge's whatever the patch makes of them. Raises SandboxError when a
        sandbox cannot be had, or the task has no tests.
        """
        if task.tests is None:
            raise SandboxError(f"task {task.instance} has no tests to verify a patch with")
        before = self.before(task)
        if keep is not None:
            keep("before", before.output)
        if not patch.strip():
            return _judge(task.tests, before, before, ["the patch is empty"])
        with self._make_sandbox() as sandbox:
            lay_out(sandbox, task)
            if refusal := _apply(task, task.tests, patch, sandbox):
                if keep is not None:
                    keep("after", refusal)
                reason = f"the patch does not apply: {_errors(refusal)}"
                return _judge(task.tests, before, TestLog({}, broken=reason), [])
            after = _run_tests(task, task.tests, sandbox)
        if keep is not None:
            keep("after", after.output)
        return _judge(task.tests, before, after, _left_out(task.tests, patch))

    def before(self, task: IssueTask) -> TestLog:
        """What the hidden tests say of the repository as it is."""
        assert task.tests is not None
        if task.instance not in self._before:
            with self._make_sandbox() as sandbox:
                lay_out(sandbox, task)
                self._before[task.instance] = _run_tests(task, task.tests, sandbox)
        return self._before[task.instance]


def _apply(task: IssueTask, tests: HiddenTests, patch: str, sandbox: Sandbox) -> str:
    """Apply the patch, without what it makes of the judge's files; "" or why it does not apply."""
    sandbox.write_file(PATCH_FILE, patch.encode("utf-8", "surrogateescape"))
    kept = " ".join(map(shlex.quote, sorted(_conftests(tests))))
    script = f"""cd {shlex.quote(task.root)} || exit 1
export LC_ALL=C
git() {{ command git -c safe.directory='*' "$@"; }}
{apply_as_graded()}
for file in {kept}; do
    [ ! -e "$file" ] || {{ mkdir -p {KEPT_FOLDER} && cp -a --parents "$file" {KEPT_FOLDER}; }}
done
apply_as_graded {PATCH_FILE} {APPLY_LOG} >/dev/null || exit 2
for file in {kept}; do
    rm -rf "$file"
    [ ! -e {KEPT_FOLDER}/"$file" ] || (cd {KEPT_FOLDER} && cp -a --parents "$file" "$OLDPWD")
done
"""
    result = sandbox.control(script, timeout=CONTROL_SECONDS)
    if result.ending == "exited" and result.exit_code == 0:
        return ""
    if result.ending != "exited" or result.exit_code != 2:
        said = result.output.strip() or f"{result.ending}, exit code {result.exit_code}"
        raise SandboxError(f"the patch could not be tried: {said[-REASON_CHARACTERS:]}")
    said = sandbox.read_file(f"{APPLY_LOG}.0").decode("utf-8", "replace")
    lines = [line for line in said.splitlines() if not line.startswith("Checking patch ")]
    return "\n".join(lines).strip() or "git apply refuses it"


def _errors(said: str) -> str:
    """What git says is wrong, without the lines that it looked for."""
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    named = [line for line in lines if line != "error: while searching for:"]
    return "; ".join(named or [said])[:REASON_CHARACTERS]


def _run_tests(task: IssueTask, tests: HiddenTests, sandbox: Sandbox) -> TestLog:
    """Write the hidden files over the tree, run the test command, and read its report."""
    report = read_report_kind(tests.report)
    for path, content in tests.files.items():
        target = posixpath.join(task.root, path)
        sandbox.control(_clear(task.root, path), timeout=CONTROL_SECONDS)
        sandbox.write_file(target, content)
    old = _each_report(report, 'rm -f -- "$file"')
    # Through a file: what a control command may return is capped, and the summary comes last.
    command = (
        f"cd {shlex.quote(task.root)} || exit 1\n{old}set -o pipefail\n"
        f"( {tests.command} ) 2>&1 | tail -c {LOG_BYTES} > {LOG_FILE}"
    )
    result = sandbox.run_fresh(command, timeout=tests.timeout)
    if result.ending == "lost":
        raise SandboxError(
            "the sandbox was lost while the tests ran; run the command again",
            cause=result.cause or "container_gone",
        )
    output = sandbox.read_file(LOG_FILE).decode("utf-8", "replace")
    if result.ending == "timeout":
        broken = f"the tests took more than {tests.timeout:.0f} s"
        return TestLog({}, broken=broken, output=output)
    documents = _documents(task, report, sandbox)
    known = {*tests.fail_to_pass, *tests.pass_to_pass}
    return replace(parse(report, output, result.exit_code, documents, known), output=output)


def _clear(root: str, path: str) -> str:
    """Make room for a hidden file, whatever a patch put in its way."""
    folders = [part for part in _above(path) if part]
    barred = " ".join(shlex.quote(folder) for folder in reversed(folders))
    return (
        f"cd {shlex.quote(root)} && for folder in {barred}; do "
        '[ -d "$folder" ] || rm -f "$folder"; done; '
        f"mkdir -p {shlex.quote(posixpath.dirname(path) or '.')}; rm -rf {shlex.quote(path)}"
    )


def _each_report(report: Report, action: str) -> str:
    """Bash that does something with every `$file` of a JUnit report; "" for other reports."""
    if report.kind != "junit":
        return ""
    return (
        "(IFS=; shopt -s globstar nullglob; "
        f'for file in {_glob(report.path)}; do [ ! -f "$file" ] || {action}; done)\n'
    )


def _documents(task: IssueTask, report: Report, sandbox: Sandbox) -> list[bytes]:
    """The JUnit files that the tests left."""
    if report.kind != "junit":
        return []
    each = _each_report(report, "{ cat \"$file\"; printf '\\0'; }")
    gather = f"cd {shlex.quote(task.root)} && {each.strip()} | head -c {REPORT_BYTES}"
    sandbox.control(f"{gather} > {REPORTS_FILE}", timeout=CONTROL_SECONDS)
    return [part for part in sandbox.read_file(REPORTS_FILE).split(b"\0") if part.strip()]


def _glob(pattern: str) -> str:
    """A pattern as a shell word in which only wildcards keep their meaning."""
    return re.sub(r"[^\w*?/.\[\]-]", lambda match: shlex.quote(match.group()), pattern)


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


def _conftests(tests: HiddenTests) -> set[str]:
    """Where a conftest.py acts on a hidden file."""
    folders = {folder for path in tests.files for folder in _above(path)} | {""}
    return {posixpath.join(folder, "conftest.py") for folder in folders}


def _above(path: str) -> list[str]:
    """The folders that a path lies in, from the nearest to the top, which is ""."""
    folders = []
    while path := posixpath.dirname(path.strip("/")):
        folders.append(path)
    return [*folders, ""]


def _protected(tests: HiddenTests, patch: str) -> list[str]:
    """Paths in the patch that are the judge's."""
    changed = {path for section in split_patch(patch) for path in patch_paths(section)}
    return sorted(changed & (tests.files.keys() | _conftests(tests)))


def _left_out(tests: HiddenTests, patch: str) -> list[str]:
    paths = _protected(tests, patch)
    return [f"left out of the patch: {', '.join(paths)}"] if paths else []
