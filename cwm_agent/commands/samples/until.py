"""Samples drawn in rounds, until the evidence decides each issue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Protocol

from cwm_agent.attempt.branch import begin_branch
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.status import Status
from cwm_agent.commands.samples.evidence import line, tables_of
from cwm_agent.config.resolve import Resolved
from cwm_agent.config.settings import Settings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.policies.choice import SHARED, PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.scaling.branches import branch_point
from cwm_agent.scaling.budget import Rule
from cwm_agent.scaling.posterior.posterior import Belief
from cwm_agent.scaling.rounds import Budget, in_rounds
from cwm_agent.scaling.table import Table
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.job import Job
from cwm_agent.view.progress import ProgressDisplay
from cwm_agent.wording import counted
from results.records import Branched, Event
from results.store import Run

Engine = Callable[[PolicyChoice], OpenPolicy]
"""A model that is open already, to write tests with."""


class Go(Protocol):
    """Does attempts; the exit code, and how they stand."""

    def __call__(self, wanted: list[AttemptState], *, first: bool) -> tuple[int, Status]:
        """`first` is true in the first round."""


def sample_until(
    run: Run,
    resolved: Resolved,
    instances: Sequence[str],
    draw: Callable[[Mapping[str, int]], bool],
    engine: Engine,
    progress: ProgressDisplay,
) -> None:
    """Draw samples in rounds until every issue is decided as `scaling.until` says.

    With `scaling.branch` further ones go on from turns of earlier ones.
    """
    settings = resolved.settings

    def look(changed: Sequence[str]) -> list[Table]:
        found = []
        for gathered in tables_of(run, resolved, progress, tuple(changed), engine):
            progress.say(line(gathered), "dim")
            found += [gathered.table] if gathered.table is not None else []
        return found

    def sample(budget: Budget) -> bool:
        _begin_branches(run, budget)
        return draw(budget.samples)

    def branch(table: Table, belief: Belief) -> Branched | None:
        if not settings.scaling.branch:
            return None
        journal = cache(lambda number: _events(run, table.instance, number))  # read once each
        return branch_point(table, belief, journal)

    rule = Rule(enough=settings.scaling.until, most=settings.samples)
    budget = in_rounds(run.folder, instances, rule, sample, look, progress.say, branch)
    spent, most = sum(budget.samples.values()), settings.samples * len(instances)
    progress.say(f"{spent} of at most {counted(most, 'sample')} drawn")


def check_branching(settings: Settings, jobs: Iterable[Job]) -> None:
    """Raise UsageError where nothing could branch."""
    if settings.scaling.until >= 1 or settings.samples < 2:
        raise UsageError(
            "--branch is for the samples that --until adds; give --until P and --samples K"
        )
    for job in jobs:
        needs_patch(job, "--branch")
        if job.policy.kind not in SHARED:
            raise UsageError(
                "--branch has a model answer a turn anew, and a recording or a person does not; "
                "leave it out"
            )


def _begin_branches(run: Run, budget: Budget) -> None:
    for instance, branches in budget.branches.items():
        for sample, branched in branches.items():
            begin_branch(
                run.find(instance, branched.sample), run.attempt(instance, int(sample)), branched
            )


def _events(run: Run, instance: str, sample: int) -> list[Event]:
    return [entry.event for entry in run.find(instance, sample).entries()]


def attempts_until(
    run: Run,
    resolved: Resolved,
    attempts: Sequence[AttemptState],
    go: Go,
    engine: Engine,
    progress: ProgressDisplay,
) -> tuple[list[AttemptState], int, Status]:
    """The same for the attempts of a run: those that were wanted, and the end of the last round."""
    ends: list[tuple[list[AttemptState], int, Status]] = []

    def draw(budget: Mapping[str, int]) -> bool:
        wanted = [attempt for attempt in attempts if attempt.sample < budget[attempt.job.instance]]
        code, status = go(wanted, first=not ends)
        ends.append((wanted, code, status))
        return code == ExitCode.SUCCESS

    names = list(dict.fromkeys(attempt.job.instance for attempt in attempts))
    sample_until(run, resolved, names, draw, engine, progress)
    return ends[-1]
