"""An issue as evidence sees it: its text, its repository, its samples; no tests of the grader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.attempt.branch import origin, own
from cwm_agent.attempt.rollout import replies, written_tokens
from cwm_agent.scaling.clusters import with_patch
from cwm_agent.scaling.normalise import digest, effective_patch
from cwm_agent.scaling.table import Candidate
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.job import Job, read_job
from results.records import AttemptResult, Event
from results.store import UNFINISHED, Attempt, Run

BEFORE = "before"
"""The state of the code without a patch."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished attempt: its result and everything that happened in it."""

    number: int
    result: AttemptResult
    events: tuple[Event, ...]

    @property
    def candidate(self) -> Candidate:
        """The row of the table."""
        branched, written = origin(self.events), self.result.completion_tokens
        taken = sum(map(written_tokens, replies(self.events))) - sum(
            map(written_tokens, replies(own(self.events)))
        )
        return with_patch(
            Candidate(
                id=str(self.number),
                sample=self.number,
                patch=self.result.patch,
                tokens=written + taken,
                turns=self.result.turns,
                seconds=self.result.seconds,
                exit_reason=self.result.exit_reason,
                parent="" if branched is None else str(branched.sample),
                branch_turn=0 if branched is None else branched.turn,
                shared_tokens=taken,
            )
        )


@dataclass(frozen=True, slots=True)
class SampledIssue:
    """One issue and what was tried. `job` has no tests: they are the grader's."""

    job: Job
    folder: Path
    samples: tuple[Sample, ...]

    @property
    def instance(self) -> str:
        """Its name."""
        return self.job.instance

    @property
    def states(self) -> dict[str, str]:
        """Every different change of the code by its name, tests and settings left out."""
        found = {state_of(s.result.patch): effective_patch(s.result.patch) for s in self.samples}
        found.pop(BEFORE, None)
        return dict(sorted(found.items()))


def state_of(patch: str) -> str:
    """The name of the code after a patch; BEFORE where it changes nothing that counts."""
    effective = effective_patch(patch)
    return digest(effective) if effective.strip() else BEFORE


def sampled_issues(run: Run, instances: Sequence[str] = ()) -> list[SampledIssue]:
    """The issues of a run with a finished sample, in order; raises RunFolderError."""
    found: dict[str, list[Attempt]] = {}
    for attempt in run.attempts():
        result = attempt.result()
        if result is not None and result.exit_reason not in UNFINISHED:
            found.setdefault(result.instance, []).append(attempt)
    wanted = set(instances)
    return [
        sampled_issue(attempts)
        for instance, attempts in found.items()
        if not wanted or instance in wanted
    ]


def sampled_issue(attempts: Sequence[Attempt]) -> SampledIssue:
    """The issue of some finished attempts; its tests are forgotten right here."""
    job = replace(read_job(attempts[0].folder), tests=None)
    needs_patch(job, "evidence")
    samples = []
    for attempt in sorted(attempts, key=lambda attempt: attempt.sample):
        result = attempt.result()
        assert result is not None
        events = tuple(entry.event for entry in attempt.entries())
        # What the grader said of it is none of our business either.
        plain = replace(result, resolved=None, verdict=None)
        samples.append(Sample(attempt.sample, plain, events))
    return SampledIssue(job, attempts[0].folder.parent, tuple(samples))
