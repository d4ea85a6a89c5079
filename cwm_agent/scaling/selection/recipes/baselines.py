"""What every recipe is shown beside."""

from __future__ import annotations

from collections.abc import Mapping

from cwm_agent.scaling.normalise import digest
from cwm_agent.scaling.selection.choice import Pool, Recipe, Stage, staged
from cwm_agent.scaling.selection.stages import executed, highest, least, most_passed, shortest_patch
from cwm_agent.scaling.selection.values import passable, passed
from cwm_agent.scaling.table import Table


def _draw(table: Table, pool: Pool) -> Pool:
    """By a hash, so that the same table always gives the same candidate."""
    return [min(pool, key=lambda c: (digest(f"{table.instance}\0{c.id}\0{c.ast}"), c.id))]


def _own(table: Table, pool: Pool) -> dict[str, float]:
    """The share of its own sample's tests that each candidate passes; 0 where it wrote none."""
    shares = {}
    columns = [column for column in table.of_kind("harvested") if column.role != "none"]
    written = passable(table, columns)
    for candidate in pool:
        tests = [column for column in written if column.origin == candidate.sample]
        found = passed(table, [candidate], tests)[candidate.id]
        shares[candidate.id] = found / len(tests) if tests else 0.0
    return shares


FIRST = staged("first", "the earliest sample that changes something")
RANDOM = staged("random", "one drawn by a hash", Stage("tie-break", "drawn by a hash", _draw))
SHORTEST = staged("shortest", "the shortest raw patch", shortest_patch())
MOST_TESTS = staged(
    "most-tests",
    "Chen and others, CodeT, arXiv 2207.10397, without its sets: the most tests passed",
    most_passed(executed, "passes most tests"),
)
OWN_TESTS = staged(
    "own-tests",
    "what a sample says of itself: the share of its own tests that it passes",
    highest(_own, "passes most of its own tests"),
    least(lambda candidate: candidate.size, "shortest patch"),
)


def oracle(right: Mapping[str, Mapping[str, bool]]) -> Recipe:
    """The upper bound: knows the verdicts, by instance and candidate id. For studies only."""

    def knows(table: Table, pool: Pool) -> dict[str, float]:
        verdicts = right.get(table.instance, {})
        return {candidate.id: float(verdicts.get(candidate.id, False)) for candidate in pool}

    return staged("oracle", "the verdicts themselves", highest(knows, "is right"))
