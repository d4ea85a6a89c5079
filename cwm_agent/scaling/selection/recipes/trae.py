"""Trae: prune, then let judges vote in groups until one group is left."""

from __future__ import annotations

from collections.abc import Sequence

from cwm_agent.scaling.selection.choice import Pool, Stage, staged
from cwm_agent.scaling.selection.stages import fewest_failures, fewest_tokens, regression
from cwm_agent.scaling.selection.values import DIGITS, passed
from cwm_agent.scaling.table import Candidate, Table

GROUP = 10


def _winners(table: Table, group: Sequence[Candidate]) -> Pool:
    """Each new test and each verifier has one vote, shared by the candidates that it rates best."""
    votes = dict.fromkeys((candidate.id for candidate in group), 0.0)
    for column in (*table.of_role("reproduction"), *table.of_kind("grade", "trace")):
        values = passed(table, list(group), [column])
        best = [name for name, value in values.items() if value == max(values.values())]
        for name in best:
            votes[name] = round(votes[name] + 1 / len(best), DIGITS)
    return [candidate for candidate in group if votes[candidate.id] == max(votes.values())]


def _vote_in_groups(table: Table, pool: Pool) -> Pool:
    """One candidate a distinct patch (the cheapest), in groups of 10 by the hash of its code."""
    patches = {c.ast: c for c in sorted(pool, key=lambda c: (c.tokens, c.id), reverse=True)}
    left = [patches[key] for key in sorted(patches)]
    while True:
        groups = [left[start : start + GROUP] for start in range(0, len(left), GROUP)]
        kept = [winner for group in groups for winner in _winners(table, group)]
        if len(groups) == 1:
            return kept
        if len(kept) == len(left):  # every group is at one: all of them together
            return _winners(table, left)
        left = kept


TRAE = staged(
    "trae",
    "Trae agent, arXiv 2507.23370: regression filter, no duplicates, votes in groups of 10",
    fewest_failures(regression, "fewest regression failures"),
    Stage("vote", "votes of new tests and verifiers, in groups", _vote_in_groups),
    fewest_tokens(),
)
"""Its selector is an agent of a strong model; here the columns of the table are the voters."""
