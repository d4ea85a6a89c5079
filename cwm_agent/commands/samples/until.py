"""Samples drawn in rounds, until the evidence decides each issue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.status import Status
from cwm_agent.commands.samples.evidence import line, tables_of
from cwm_agent.config.resolve import Resolved
from cwm_agent.exit_codes import ExitCode
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.scaling.budget import Rule
from cwm_agent.scaling.rounds import in_rounds
from cwm_agent.scaling.table import Table
from cwm_agent.view.progress import ProgressDisplay
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
    """Draw samples in rounds until every issue is decided as `scaling.until` says."""
    settings = resolved.settings

    def look(changed: Sequence[str]) -> list[Table]:
        found = []
        for gathered in tables_of(run, resolved, progress, tuple(changed), engine):
            progress.say(line(gathered), "dim")
            found += [gathered.table] if gathered.table is not None else []
        return found

    rule = Rule(enough=settings.scaling.until, most=settings.samples)
    budget = in_rounds(run.folder, instances, rule, draw, look, progress.say)
    spent, most = sum(budget.samples.values()), settings.samples * len(instances)
    progress.say(f"{spent} of at most {most} samples drawn")


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
