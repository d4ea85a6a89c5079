"""One state of the code in one open sandbox, and what is run on it.

The patch is applied as the grader would apply it, without what it makes of
tests and of the settings of test runs. After every run the files are put back,
so no test sees what another one left.
"""

from __future__ import annotations

import json
import posixpath
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cwm_agent.scaling.evidence.executions import Execution
from cwm_agent.scaling.evidence.inside import (
    CALL_RUNNER,
    FOLDER,
    RUN_CALLS,
    RUN_TESTS,
    TEST_RUNNER,
)
from cwm_agent.scaling.evidence.scripts import LONGEST_OUTPUT, Script, shown
from cwm_agent.scaling.normalise import ast_key
from cwm_agent.scaling.table import Outcome
from envs.errors import SandboxError
from envs.repository.applying import apply_as_graded
from envs.repository.layout import lay_out
from envs.repository.patches import patch_paths, split_patch
from envs.repository.pytest_log import TestLog, parse_pytest
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from envs.testgen.stamp import new_stamp, stamped, unstamped
from tools.workspace import CommandResult

CONTROL_SECONDS = 300.0
CALL_SECONDS = 2.0
"""For one call of a touched function; it is a comparison, not a computation."""
FIXED = "export PYTHONHASHSEED=0 TZ=UTC PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8\n"
"""So that the same code does the same twice."""
LOG_CHARACTERS = 8000
MEANING = "code"
"""The name of what is no test: the meaning of the touched files after the patch."""


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that one script, and one run of the repository's tests, may take."""

    script: float = 60.0
    suite: float = 900.0


class PatchedCode:
    """See the module. Use `open` once, then the other methods; all raise SandboxError."""

    def __init__(self, sandbox: Sandbox, task: IssueTask, state: str, times: Times) -> None:
        """`state` is the name of the code, for the records."""
        self._sandbox = sandbox
        self._task = task
        self.state = state
        self._times = times

    def open(self, patch: str) -> str:
        """Put the patched code there; "" or why the patch does not apply."""
        self._sandbox.open()
        lay_out(self._sandbox, self._task)
        self._sandbox.control(f"mkdir -p {FOLDER}", timeout=CONTROL_SECONDS)
        self._sandbox.write_file(TEST_RUNNER, RUN_TESTS.encode())
        self._sandbox.write_file(CALL_RUNNER, RUN_CALLS.encode())
        if patch.strip():
            self._sandbox.write_file(f"{FOLDER}/patch", patch.encode("utf-8", "surrogateescape"))
            applied = self._control(
                f"{apply_as_graded()}apply_as_graded {FOLDER}/patch {FOLDER}/log"
            )
            if applied.exit_code:
                return "the patch does not apply"
        self._must(
            f"git init -q --bare {FOLDER}/kept 2>/dev/null; {_KEPT} add -A && "
            f"{_KEPT} -c user.name=e -c user.email=e@localhost commit -qm kept --allow-empty"
        )
        return ""

    def read(self, paths: Sequence[str]) -> dict[str, str]:
        """The text of those files that are there."""
        found = {}
        for path in paths:
            try:
                content = self._sandbox.read_file(posixpath.join(self._task.root, path))
            except OSError:
                continue
            found[path] = content.decode("utf-8", "surrogateescape")
        return found

    def meaning(self, patch: str) -> Execution:
        """What the files that a patch touches mean now, as one name (see `ast_key`)."""
        paths = sorted({path for part in split_patch(patch) for path in patch_paths(part)})
        texts = self.read(paths)
        key = ast_key({path: texts.get(path) for path in paths})
        return Execution(self.state, MEANING, 0, {"": "pass"}, {"": key})

    def control(self, command: str) -> CommandResult:
        """Run a command in the repository, as the harness and not as the code's user."""
        return self._control(command)

    def has(self, module: str) -> bool:
        """Whether the code's Python can import a module."""
        result = self._fresh(f"python -c {shlex.quote(f'import {module}')}", CONTROL_SECONDS)
        return result.exit_code == 0

    def collects(self, folder: str) -> bool:
        """Whether pytest gets as far as collecting tests in a folder; 4 is its usage error."""
        command = f"python -m pytest --collect-only -qq -p no:cacheprovider {shlex.quote(folder)}"
        result = self._fresh(f"{command} >/dev/null 2>&1", self._times.suite)
        self._put_back(())
        return result.ending == "exited" and result.exit_code in (0, 1, 2)

    def run(self, script: Script, turn: int, before: str | None) -> Execution:
        """Run a test; `before` is its output on the unpatched code, None on that itself."""
        stamp = new_stamp() if script.rule == "markers" else ""
        for path, text in script.files.items():
            content = stamped(text, stamp) if stamp else text
            target = posixpath.join(self._task.root, path)
            self._control(f"mkdir -p {shlex.quote(posixpath.dirname(target))}")
            self._sandbox.write_file(target, content.encode("utf-8", "surrogateescape"))
        result = self._fresh(script.command, self._times.script)
        self._put_back(tuple(script.files))
        output = unstamped(result.output, stamp) if stamp else result.output
        outcome = script.outcome(replace(result, output=output), before)
        return Execution(
            self.state,
            script.id,
            turn,
            {"": outcome},
            {"": shown(output)},
            round(result.seconds, 3),
            output[-LOG_CHARACTERS:],
        )

    def suite(self, name: str, command: str, turn: int) -> Execution:
        """Run the repository's tests and read pytest's summary."""
        log = f"{FOLDER}/suite.log"
        result = self._fresh(
            f"set -o pipefail; ( {command} ) 2>&1 | tail -c {8 * 2**20} > {log}", self._times.suite
        )
        self._put_back(())
        output = self._sandbox.read_file(log).decode("utf-8", "replace")
        if result.ending == "timeout":
            found = TestLog({}, broken="the tests took too long", output=output)
        else:
            found = parse_pytest(output, result.exit_code)
        outcomes: dict[str, Outcome] = {}
        for test, outcome in found.outcomes.items():
            if outcome != "skipped":
                outcomes[test] = "pass" if outcome == "passed" else "fail"
        broken = {"broken": found.broken} if found.broken else {}
        seconds = round(result.seconds, 3)
        return Execution(
            self.state, name, turn, outcomes, broken, seconds, output[-LOG_CHARACTERS:]
        )

    def calls(self, name: str, calls: Sequence[tuple[str, str, str]], turn: int) -> Execution:
        """What each call (module, function, arguments) gives; those after a crash are missing."""
        given = {"calls": calls, "seconds": CALL_SECONDS, "longest": LONGEST_OUTPUT}
        self._sandbox.write_file(f"{FOLDER}/calls.json", json.dumps(given).encode())
        out = f"{FOLDER}/calls-{new_stamp()}.out"
        command = f"python {CALL_RUNNER} {FOLDER}/calls.json {out}"
        result = self._fresh(command, self._times.script)
        self._put_back(())
        try:
            text = self._sandbox.read_file(out).decode("utf-8", "replace")
        except OSError:
            text = ""
        lines = text[: text.rfind("\n") + 1].splitlines()
        outputs = {
            call_name(call): json.loads(line) for call, line in zip(calls, lines, strict=False)
        }
        return Execution(self.state, name, turn, {}, outputs, round(result.seconds, 3))

    def _fresh(self, command: str, seconds: float) -> CommandResult:
        full = f"cd {shlex.quote(self._task.root)} || exit 1\n{FIXED}{command}"
        result = self._sandbox.run_fresh(full, timeout=seconds)
        if result.ending == "lost":
            raise SandboxError(
                "the sandbox was lost while a test ran", cause=result.cause or "container_gone"
            )
        return result

    def _put_back(self, paths: tuple[str, ...]) -> None:
        """The files as they were; what git ignores stays."""
        made = " ".join(shlex.quote(posixpath.join(self._task.root, path)) for path in paths)
        remove = f"rm -f {made}; " if made else ""
        self._must(
            f'{remove}if [ -n "$({_KEPT} status --porcelain | head -c 1)" ]; then '
            f"{_KEPT} reset -q --hard && {_KEPT} clean -fdq; fi"
        )

    def _control(self, command: str) -> CommandResult:
        full = (
            f"cd {shlex.quote(self._task.root)} || exit 1\n"
            f"git() {{ command git -c safe.directory='*' -c gc.auto=0 \"$@\"; }}\n{command}"
        )
        result = self._sandbox.control(full, timeout=CONTROL_SECONDS)
        if result.ending == "lost":
            raise SandboxError("the sandbox was lost", cause=result.cause or "container_gone")
        return result

    def _must(self, command: str) -> None:
        result = self._control(command)
        if result.ending != "exited" or result.exit_code:
            raise SandboxError(
                f"the evidence's own command failed: {result.output.strip()[-300:]}",
                cause="sandbox_broken",
            )


_KEPT = f"git --git-dir={FOLDER}/kept --work-tree=."


def call_name(call: tuple[str, str, str]) -> str:
    """A call as people write it."""
    module, name, arguments = call
    return f"{module}.{name}({arguments})"


def all_outputs(executions: Sequence[Execution]) -> Mapping[str, str]:
    """The outputs that every repetition gave, by name."""
    first, *more = [execution.outputs for execution in executions]
    return {name: text for name, text in first.items() if all(o.get(name) == text for o in more)}
