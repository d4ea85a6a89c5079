"""Sampling in rounds: an issue gets one more sample as long as it is undecided and promising.

How far an issue may be sampled, and which turn of which sample the next one branches from, is
written down before a round begins, and a round's evidence and decision follow from its samples: a
stopped run makes the same decisions when it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cwm_agent.scaling.budget import Rule, standing, undecided
from cwm_agent.scaling.posterior.posterior import Belief, believe, estimate
from cwm_agent.scaling.table import Table
from cwm_agent.wording import counted
from envs.progress import Say
from results.files import read_record, write_record
from results.records import Branched

BUDGET_FILE = "budget.json"


@dataclass(frozen=True, slots=True)
class Budget:
    """How many samples each issue may have so far.

    `branches` says by issue and sample which of them begin with turns of another sample.
    """

    samples: dict[str, int]
    branches: dict[str, dict[str, Branched]] = field(default_factory=dict)


BranchPoint = Callable[[Table, Belief], Branched | None]
"""Where the next sample of an issue branches from, None where it begins anew."""


def always_anew(_: Table, __: Belief) -> None:
    """No sample branches."""


def in_rounds(
    folder: Path,
    instances: Sequence[str],
    rule: Rule,
    sample: Callable[[Budget], bool],
    look: Callable[[Sequence[str]], Sequence[Table]],
    say: Say,
    branch: BranchPoint = always_anew,
) -> Budget:
    """Sample until no issue deserves more; returns what was spent.

    `sample` draws what is missing of a budget and says whether it is all there: if not, the
    rounds end. `look` gives the tables of the issues that have new samples. `folder` is the run's.
    Raises RunFolderError.
    """
    path = folder / BUDGET_FILE
    known = read_record(Budget, path)
    first = {name: min(rule.fewest, rule.most) for name in instances}
    budget = replace(known, samples=first | known.samples) if known else Budget(first)
    tables: dict[str, Table] = {}
    while True:
        write_record(path, budget)
        if not sample(budget):
            return budget
        changed = [n for n in instances if n not in tables or _drawn(tables[n]) < budget.samples[n]]
        tables |= {table.instance: table for table in look(changed)}
        budget, more = _next(budget, tables, rule, branch)
        if not more:
            return budget
        open_ones = f"{len(more)} of {counted(len(instances), 'issue')} undecided"
        say(f"{open_ones}: one more sample{' each' if len(more) > 1 else ''}")
        for name in more:
            if new := budget.branches.get(name, {}).get(str(budget.samples[name] - 1)):
                say(f"{name}: goes on from sample {new.sample} after turn {new.turn}")


def _next(
    budget: Budget, tables: Mapping[str, Table], rule: Rule, branch: BranchPoint
) -> tuple[Budget, list[str]]:
    """The budget of the next round, and the issues that it is larger for."""
    known = [tables[name] for name in sorted(tables)]
    parameters = estimate(known)
    more = undecided([standing(table, parameters) for table in known], rule)
    branches = {name: dict(known) for name, known in budget.branches.items()}
    for name in more:
        if (new := branch(tables[name], believe(tables[name], parameters))) is not None:
            branches.setdefault(name, {})[str(budget.samples[name])] = new
    samples = budget.samples | {name: budget.samples[name] + 1 for name in more}
    return Budget(samples, branches), more


def _drawn(table: Table) -> int:
    return len(table.candidates)
