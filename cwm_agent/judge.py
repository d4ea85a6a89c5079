"""What the tests say of a patch, on clean copies and in sandboxes of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cwm_agent.job import Job
from envs.sandbox import Sandbox
from envs.verify import Verifier
from results.records import Verdict


def judge(
    job: Job,
    repository: Path | None,
    patch: str,
    make_sandbox: Callable[[], Sandbox],
    say: Callable[[str], None],
) -> Verdict | None:
    """The verdict on `patch`, None when the job has no tests. Raises SandboxError."""
    task = job.task(repository)
    if job.tests is None or task.tests is None:
        return None
    say("running the tests without and with the patch")
    verifier = Verifier(make_sandbox)
    if job.tests.find_failing:
        outcomes = verifier.before(task).outcomes
        failing = tuple(test for test, outcome in outcomes.items() if outcome == "failed")
        task = replace(task, tests=replace(task.tests, fail_to_pass=failing))
    return verifier.verify(task, patch)
