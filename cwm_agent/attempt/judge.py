"""What the tests say of a patch, on clean copies and in sandboxes of the same kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.tasks.job import Job
from envs.repository.verify import Keep, Verifier
from results.records import Event, Judged, Verdict

NOTHING_FAILED = "no test failed before the patch, so none shows that the issue is solved"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and whether it says that the issue is solved: None when it cannot say."""

    resolved: bool | None = None
    verdict: Verdict | None = None


def judged_there(events: Sequence[Event]) -> Judgement:
    """What an environment that judges itself said at the end; nothing where it does not."""
    for event in reversed(events):
        if isinstance(event, Judged):
            return Judgement(event.verdict.resolved, event.verdict)
    return Judgement()


def judge(
    job: Job,
    repository: Path | None,
    patch: str,
    verifier: Verifier,
    keep: Keep,
) -> Judgement:
    """What the job's tests say of `patch`; `keep` gets their output. Raises SandboxError."""
    task = job.task(repository)
    if job.tests is None or task.tests is None:
        return Judgement()
    if job.tests.find_failing:
        outcomes = verifier.before(task).outcomes
        failing = tuple(test for test, outcome in outcomes.items() if outcome == "failed")
        task = replace(task, tests=replace(task.tests, fail_to_pass=failing))
    verdict = verifier.verify(task, patch, keep)
    if verdict.resolved and not verdict.fail_to_pass:
        return Judgement(None, replace(verdict, resolved=False, detail=NOTHING_FAILED))
    return Judgement(verdict.resolved, verdict)
