"""Runs a task's tests in the container as the agent left it, and reads the reward.

The tests go to `/tests` only now, so that no agent sees them. They write
`/logs/verifier/reward.txt` (one number) or `reward.json` (numbers by name).
Source: `harbor.verifier.verifier` of harbor 0.26.0.
"""

from __future__ import annotations

import json
import math
import os
import shlex
from collections.abc import Mapping

from envs.errors import SandboxError
from envs.harbor.opening import QUICK
from envs.harbor.task import HarborTask
from envs.sandbox.sandbox import Sandbox
from results.records import Verdict
from tools.workspace import CommandResult

LOGS = "/logs/verifier"
TEXT = f"{LOGS}/reward.txt"
JSON = f"{LOGS}/reward.json"
OUTPUT = f"{LOGS}/test-stdout.txt"
MAIN = "reward"
FULL = 1.0
"""The reward at which a task counts as solved."""
SAID_CHARACTERS = 300
FILE_BYTES = 2**20


def run_tests(task: HarborTask, sandbox: Sandbox, root: str) -> Verdict:
    """What the tests say of the container: each reward by its name; raises SandboxError.

    It is resolved where the reward is 1; of several rewards without one named
    `reward`, all have to be; and where no process of the agent meddled.
    """
    verifier = task.config.verifier
    sandbox.control(f"rm -rf /tests {TEXT} {JSON}; mkdir -p {LOGS}", timeout=QUICK)
    sandbox.put_tree(str(task.tests), "/tests")
    variables = task.variables(verifier.env, os.environ)
    ran = run_script(sandbox, "/tests/test.sh", OUTPUT, root, variables, verifier.timeout_sec)
    if ran.ending == "lost":
        raise SandboxError(
            "the sandbox was lost while the tests ran; run the command again",
            cause=ran.cause or "container_gone",
        )
    if ran.ending == "timeout":
        return Verdict(
            False, state=True, detail=f"the tests took more than {verifier.timeout_sec:.0f} s"
        )
    script = (task.tests / "test.sh").read_bytes()
    if (
        sandbox.path_kind("/tests/test.sh") != "file"
        or sandbox.read_file("/tests/test.sh") != script
    ):
        return Verdict(False, state=True, detail="the tests were changed while they ran")
    try:
        rewards = _rewards(sandbox)
    except ValueError as error:
        return Verdict(
            False, state=True, detail=f"{error} (test.sh ended with exit code {ran.exit_code})"
        )
    if _comes_back(sandbox):
        detail = "a process that the agent left writes the reward"
        return Verdict(False, state=True, detail=detail)
    said = ", ".join(f"{name} {value:g}" for name, value in sorted(rewards.items()))
    counted = [rewards[MAIN]] if MAIN in rewards else list(rewards.values())
    passed = {name: value >= FULL for name, value in rewards.items()}
    return Verdict(all(value >= FULL for value in counted), passed, detail=said, state=True)


def run_oracle(task: HarborTask, sandbox: Sandbox, root: str) -> str:
    """Run the reference solution as an agent would have; returns what was wrong with it or ""."""
    if not (task.solution / "solve.sh").is_file():
        raise SandboxError(
            f"{task.folder} has no solution/solve.sh; leave it out of --control gold"
        )
    sandbox.put_tree(str(task.solution), "/solution")
    variables = {
        "DEBIAN_FRONTEND": "noninteractive",
        **task.variables(task.config.solution.env, os.environ),
    }
    seconds = task.config.agent.timeout_sec or ORACLE_SECONDS
    log = "/logs/agent/oracle.txt"
    ran = run_script(sandbox, "/solution/solve.sh", log, root, variables, seconds)
    if ran.ending == "exited" and not ran.exit_code:
        return ""
    how = f"exit code {ran.exit_code}" if ran.ending == "exited" else ran.ending
    said = _tail(sandbox, log)
    return f"solve.sh ended with {how}" + (f": {said}" if said else "")


ORACLE_SECONDS = 3600.0
"""For a solution of a task that limits nobody's time."""


def run_script(
    sandbox: Sandbox,
    script: str,
    log: str,
    root: str,
    variables: Mapping[str, str],
    seconds: float,
) -> CommandResult:
    """Run a script of the task in `root`, its output in the file `log`.

    In a clean shell, as Harbor does: what the agent put into start files does not count.
    """
    exports = "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())
    command = (
        f"cd {shlex.quote(root)} || exit 1\n{exports}chmod +x {script}\n"
        f"( {script} ) > {log} 2>&1 < /dev/null"
    )
    return sandbox.control(command, timeout=seconds)


def _comes_back(sandbox: Sandbox) -> bool:
    """Whether something goes on writing the reward after the tests.

    Agent and tests share the container, by the format, and services of the
    agent have to live on; so what can be seen is looked for.
    """
    look = f"rm -f {TEXT} {JSON}; sleep {REAPPEAR_SECONDS}; ! [ -e {TEXT} ] && ! [ -e {JSON} ]"
    return sandbox.control(look, timeout=QUICK).exit_code != 0


REAPPEAR_SECONDS = 1.0
"""How long after the tests a reward may not come back that was removed."""


def _rewards(sandbox: Sandbox) -> dict[str, float]:
    """The numbers that the tests left; raises ValueError with what is wrong with them."""
    if sandbox.path_kind(JSON) == "file":
        try:
            found = json.loads(sandbox.read_file(JSON)[:FILE_BYTES])
        except ValueError as error:
            raise ValueError(f"reward.json cannot be read: {error}") from error
        named = found if isinstance(found, dict) else {MAIN: found}
    elif sandbox.path_kind(TEXT) == "file":
        text = sandbox.read_file(TEXT)[:FILE_BYTES].decode("utf-8", "replace").strip()
        try:
            named = {MAIN: float(text)}
        except ValueError as error:
            raise ValueError(f"reward.txt holds no number but {text[:40]!r}") from error
    else:
        said = _tail(sandbox, OUTPUT)
        raise ValueError("the tests wrote no reward" + (f"; they said: {said}" if said else ""))
    for name, value in named.items():
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise ValueError(f"the reward {name} is no finite number: {value!r}")
    if not named:
        raise ValueError("reward.json names no reward")
    return {str(name): float(value) for name, value in named.items()}


def _tail(sandbox: Sandbox, path: str) -> str:
    """The end of a log, in one line."""
    if sandbox.path_kind(path) != "file":
        return ""
    text = sandbox.read_file(path)[-FILE_BYTES:].decode("utf-8", "replace")
    return " ".join(text.split())[-SAID_CHARACTERS:]
