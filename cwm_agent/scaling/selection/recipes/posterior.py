"""Ours: the candidate that is most probably right, by everything that was seen in the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cwm_agent.scaling.posterior.posterior import believe, estimate, what_would_decide
from cwm_agent.scaling.selection.choice import Choice, Pool, Recipe, Selector, choose
from cwm_agent.scaling.selection.stages import highest, majority, shortest_patch
from cwm_agent.scaling.table import Table


def _make(tables: Sequence[Table]) -> Selector:
    """Estimate the reliabilities over the run, then choose by P(right)."""
    parameters = estimate(tables)

    def select(table: Table) -> Choice:
        belief = believe(table, parameters)

        def chances(_: Table, pool: Pool) -> dict[str, float]:
            return {candidate.id: belief.ranks[candidate.behaviour] for candidate in pool}

        likeliest = highest(chances, "most probably right")
        votes = majority("ast", "most frequent patch of that behaviour")
        choice = choose(table, (likeliest, votes, shortest_patch()))
        if choice.chosen is None:
            return replace(choice, probability=0.0, undecided=what_would_decide(table, belief))
        chosen = table.by_id[choice.chosen].behaviour
        tied = tuple(c.id for c in table.effective if c.behaviour in belief.tied)
        open_question = what_would_decide(table, belief)
        return replace(
            choice, tied=tied, probability=belief.chance[chosen], undecided=open_question
        )

    return select


POSTERIOR = Recipe(
    "posterior",
    "ours: correctness and reliabilities at once (Dawid and Skene 1979; B4, arXiv 2409.08692)",
    _make,
)
