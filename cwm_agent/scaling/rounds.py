"""Sampling in rounds: an issue gets one more sample as long as it is undecided and promising.

How far an issue may be sampled is written down before a round begins, and a round's evidence
and decision follow from its samples: a stopped run makes the same decisions when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.scaling.budget import Rule, standing, undecided
from cwm_agent.scaling.posterior.posterior import estimate
from cwm_agent.scaling.table import Table
from envs.progress import Say
from results.files import read_record, write_record

BUDGET_FILE = "budget.json"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many samples each issue may have so far."""

    samples: dict[str, int]


def in_rounds(
    folder: Path,
    instances: Sequence[str],
    rule: Rule,
    sample: Callable[[Mapping[str, int]], bool],
    look: Callable[[Sequence[str]], Sequence[Table]],
    say: Say,
) -> Budget:
    """Sample until no issue deserves more; returns what was spent.

    `sample` draws what is missing up to a number for each issue and says whether
    it is all there: if not, the rounds end. `look` gives the tables of the issues that have new
    samples. `folder` is the run's. Raises RunFolderError.
    """
    path = folder / BUDGET_FILE
    known = read_record(Budget, path)
    first = {name: min(rule.fewest, rule.most) for name in instances}
    budget = Budget(first | known.samples if known else first)
    tables: dict[str, Table] = {}
    while True:
        write_record(path, budget)
        if not sample(budget.samples):
            return budget
        changed = [n for n in instances if n not in tables or _drawn(tables[n]) < budget.samples[n]]
        tables |= {table.instance: table for table in look(changed)}
        budget, more = _next(budget, tables, rule)
        if not more:
            return budget
        say(f"{len(more)} of {len(instances)} issues undecided: one more sample each")


def _next(budget: Budget, tables: Mapping[str, Table], rule: Rule) -> tuple[Budget, list[str]]:
    """The budget of the next round, and the issues that it is larger for."""
    known = [tables[name] for name in sorted(tables)]
    parameters = estimate(known)
    more = undecided([standing(table, parameters) for table in known], rule)
    return replace(budget, samples=budget.samples | {n: budget.samples[n] + 1 for n in more}), more


def _drawn(table: Table) -> int:
    return len(table.candidates)
