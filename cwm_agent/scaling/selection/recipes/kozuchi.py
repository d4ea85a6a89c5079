"""Kozuchi: every run's tests on every run's patch."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean

from cwm_agent.scaling.selection.choice import Pool, staged
from cwm_agent.scaling.selection.stages import highest, shortest_patch
from cwm_agent.scaling.selection.values import DIGITS, passable, passed
from cwm_agent.scaling.table import Column, Role, Table

WEIGHTS: dict[Role, float] = {"reproduction": 0.3, "regression": 0.7}


def _cross_applied(table: Table, pool: Pool) -> dict[str, float]:
    """0.3 x reproduction + 0.7 x regression, each the mean over the runs that wrote such tests."""
    total = dict.fromkeys((candidate.id for candidate in pool), 0.0)
    for role, weight in WEIGHTS.items():
        runs: dict[tuple[str, int | None], list[Column]] = defaultdict(list)
        for column in passable(table, table.of_role(role)):
            runs[column.kind, column.origin].append(column)
        shares = [(passed(table, pool, tests), len(tests)) for tests in runs.values()]
        for name in total if shares else ():
            total[name] += weight * fmean(scores[name] / count for scores, count in shares)
    return {name: round(score, DIGITS) for name, score in total.items()}


KOZUCHI = staged(
    "kozuchi",
    "Kozuchi agent, arXiv 2608.15579; marscod/kozuchi-agent-artifact",
    highest(_cross_applied, "highest 0.3 reproduction + 0.7 regression over all runs' tests"),
    shortest_patch(),
)
"""The repository's own tests, and those generated for the issue, count as those of further runs."""
