"""An open container made ready for its task, before the agent or the oracle begins."""

from __future__ import annotations

import time

from envs.errors import SandboxError
from envs.harbor.config import Healthcheck
from envs.harbor.task import HarborTask
from envs.sandbox.sandbox import Sandbox

QUICK = 120.0
"""Seconds for a command of the harness."""
SAID_CHARACTERS = 300


def make_ready(task: HarborTask, sandbox: Sandbox, root: str) -> None:
    """Make the folders of the format, and wait for the health check; raises SandboxError.

    A prebuilt image without a Dockerfile gets the files of `environment/` into
    its working folder, as Harbor does.
    """
    made = sandbox.control("mkdir -p /logs/agent /logs/verifier /logs/artifacts", timeout=QUICK)
    if made.exit_code:
        raise SandboxError(
            f"the folders of the task cannot be made ({made.output.strip()[:SAID_CHARACTERS]}); "
            "its image runs as another user than root, which is not supported: leave it out"
        )
    files = task.folder / "environment"
    if task.context is None and files.is_dir() and any(files.iterdir()):
        sandbox.put_tree(str(files), root)
    if task.config.environment.healthcheck is not None:
        _await_health(sandbox, task.config.environment.healthcheck)


def _await_health(sandbox: Sandbox, check: Healthcheck) -> None:
    """Wait until the environment says that it is ready; raises SandboxError when it does not.

    Failures in the start period do not count, as in Docker's HEALTHCHECK.
    """
    begun, failures = time.monotonic(), 0
    while True:
        ran = sandbox.control(check.command, timeout=check.timeout_sec)
        if ran.ending == "exited" and ran.exit_code == 0:
            return
        starting = time.monotonic() - begun < check.start_period_sec
        failures += not starting
        if failures >= check.retries:
            raise SandboxError(
                f"the environment does not become ready: {check.command!r} failed {failures} times "
                f"({ran.output.strip()[-200:] or ran.ending}); mend the task or its image"
            )
        time.sleep(check.start_interval_sec if starting else check.interval_sec)
