"""The chance of each candidate to be right, over a whole run, and what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.scaling.posterior.evidence import Evidence, evidence
from cwm_agent.scaling.posterior.fit import fit, weigh
from cwm_agent.scaling.posterior.parameters import Parameters, initial
from cwm_agent.scaling.posterior.states import enumerate_states
from cwm_agent.scaling.table import Table

DECIDED = 0.9
"""From this chance on an issue needs no more evidence."""
FEWEST = 10
"""Issues from which reliabilities can be estimated: of one alone, a fit explains away whichever
test tells its candidates apart."""
RIVAL = 0.1
"""A cluster with at least this chance may be what is right instead."""
EQUAL = 0.01
"""Clusters whose chances differ by less are tied."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Of one issue. `ranks` orders the behaviour clusters and `chance` says how likely each is
    right, both by cluster id; they differ where no candidate passes some test: that lowers
    every chance, but says nothing for one candidate and against another.

    `solve` is the estimated chance that one more sample is right.
    """

    ranks: dict[str, float]
    chance: dict[str, float]
    solve: float

    @property
    def best(self) -> str | None:
        """The likeliest cluster, None where no candidate changes anything."""
        return max(self.ranks, key=lambda name: (self.ranks[name], name), default=None)

    @property
    def tied(self) -> tuple[str, ...]:
        """The clusters that are as likely right as the best one, with it.

        A best one that is decided is alone: what else is as surely right is no rival.
        """
        top = max(self.ranks.values(), default=0.0)
        if self.best is None or top >= DECIDED:
            return () if self.best is None else (self.best,)
        return tuple(name for name, rank in self.ranks.items() if top - rank < EQUAL)


def estimate(tables: Sequence[Table]) -> Parameters:
    """The reliabilities over all tables, without labels; what is believed anyway for few."""
    issues = [evidence(table, all_failed=False) for table in tables if table.effective]
    return fit(enumerate_states(issues)) if len(issues) >= FEWEST else initial()


def believe(table: Table, parameters: Parameters) -> Belief:
    """The posterior of one issue under estimated reliabilities."""
    a = parameters.solve * parameters.spread
    if not table.effective:
        return Belief({}, {}, a / (parameters.spread + table.votes(table.candidates)))
    telling, all_tests = (evidence(table, all_failed=wanted) for wanted in (False, True))
    samples = int(telling.sizes.sum()) + telling.idle
    ranks, right = _marginals(telling, parameters)
    chance = ranks
    if len(all_tests.counts) > len(telling.counts):
        chance, right = _marginals(all_tests, parameters)
    return Belief(ranks, chance, (a + right) / (parameters.spread + samples))


def _marginals(issue: Evidence, parameters: Parameters) -> tuple[dict[str, float], float]:
    """The chance of each cluster, and the expected number of right samples."""
    states = enumerate_states([issue])
    weight = weigh(states, parameters).weight
    chances = weight @ states.right[0]
    named = zip(issue.clusters, chances, strict=True)
    found = {name: round(float(chance), 9) for name, chance in named}
    return found, float(weight @ states.right_samples)


def what_would_decide(table: Table, belief: Belief) -> str:
    """The next piece of evidence to get, "" where the best candidate is likely enough."""
    best = belief.best
    if best is None:
        return "another sample: no candidate changes anything"
    if belief.chance[best] >= DECIDED:
        return ""
    rivals = [name for name in belief.ranks if name != best and belief.chance[name] >= RIVAL]
    if rivals:
        rival = max(rivals, key=lambda name: (belief.chance[name], name))
        first, second = (_member(table, name) for name in (best, rival))
        return f"an input on which {first} and {second} differ, and what is right there"
    if not any(column.role == "reproduction" for column in table.columns):
        return "a test that reproduces the issue: none of the columns failed before"
    return "another sample: no candidate is likely right"


def _member(table: Table, cluster: str) -> str:
    return next(candidate.id for candidate in table.effective if candidate.behaviour == cluster)
