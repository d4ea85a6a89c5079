"""The stages that recipes are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Literal

from cwm_agent.scaling.selection.choice import Pool, Stage
from cwm_agent.scaling.selection.values import failures, known, passed, verified
from cwm_agent.scaling.table import Candidate, Column, Table

Columns = Callable[[Table], list[Column]]
Scores = Callable[[Table, Pool], Mapping[str, float]]
Cluster = Literal["text", "ast", "behaviour"]


def executed(table: Table) -> list[Column]:
    """Every test that was run."""
    return table.of_kind("existing", "generated", "harvested")


def existing(table: Table) -> list[Column]:
    """The repository's tests that passed before."""
    return [column for column in table.of_kind("existing") if column.role == "regression"]


def regression(table: Table) -> list[Column]:
    """Every test that passed before, whoever wrote it."""
    return table.of_role("regression")


def reproduction(table: Table) -> list[Column]:
    """Every test that failed before, whoever wrote it."""
    return table.of_role("reproduction")


def fewest_failures(columns: Columns, says: str) -> Stage:
    """Keep those that are known to fail the fewest of the tests."""

    def keep(table: Table, pool: Pool) -> Pool:
        tests = columns(table)
        failed = {candidate.id: failures(table, candidate, tests) for candidate in pool}
        return [candidate for candidate in pool if failed[candidate.id] == min(failed.values())]

    return Stage("filter", says, keep)


def passes_all(columns: Columns, says: str) -> Stage:
    """Keep those that are known to pass every one of the tests; no say without tests."""

    def keep(table: Table, pool: Pool) -> Pool:
        names = {column.id for column in columns(table)}
        tests = [column for column in table.columns if column.id in names]
        return [c for c in pool if names and sum(known(table, c, tests).values()) == len(names)]

    return Stage("filter", says, keep)


def highest(scores: Scores, says: str) -> Stage:
    """Keep those with the highest score."""

    def keep(table: Table, pool: Pool) -> Pool:
        found = scores(table, pool)
        best = max(found[candidate.id] for candidate in pool)
        return [candidate for candidate in pool if found[candidate.id] == best]

    return Stage("score", says, keep)


def most_passed(columns: Columns, says: str) -> Stage:
    """Keep those that pass the most of the tests."""
    return highest(lambda table, pool: passed(table, pool, columns(table)), says)


def best_verified(says: str) -> Stage:
    """Keep those with the highest mean of the verifiers."""
    return highest(verified, says)


def majority(cluster: Cluster, says: str) -> Stage:
    """Keep the members of the clusters that most candidates belong to, a family counted once."""

    def keep(table: Table, pool: Pool) -> Pool:
        votes = Counter(name for _, name in {(table.families[c.id], vote(c)) for c in pool})
        most = max(votes.values())
        return [c for c in pool if votes[vote(c)] == most]

    vote: Callable[[Candidate], str] = attrgetter(cluster)

    return Stage("vote", says, keep)


def least(key: Callable[[Candidate], float], says: str) -> Stage:
    """Keep those with the least of something that is no evidence."""

    def keep(_: Table, pool: Pool) -> Pool:
        low = min(map(key, pool))
        return [candidate for candidate in pool if key(candidate) == low]

    return Stage("tie-break", says, keep)


def fewest_tokens() -> Stage:
    """Keep the samples that generated the fewest tokens."""
    return least(lambda candidate: candidate.tokens, "fewest tokens")


def shortest_patch() -> Stage:
    """Keep the shortest raw patches."""
    return least(lambda candidate: candidate.size, "shortest patch")
