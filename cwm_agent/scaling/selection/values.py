"""How candidates did under columns. A missing cell is no failure: others of its column stand in."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from cwm_agent.scaling.selection.choice import Pool
from cwm_agent.scaling.table import Candidate, Column, Table

UNKNOWN = 0.5
"""What a column says of a candidate when it says nothing of any."""
DIGITS = 9
"""Scores that agree so far are equal, whatever the order of their sums."""


def known(table: Table, candidate: Candidate, columns: Sequence[Column]) -> dict[str, float]:
    """The values that are there, by column id; tests that flicker are left out."""
    row = table.cells.get(candidate.id, {})
    found = ((column.id, row.get(column.id)) for column in columns if not column.flaky)
    return {name: cell.value for name, cell in found if cell is not None and not cell.flaky}


def failures(table: Table, candidate: Candidate, columns: Sequence[Column]) -> float:
    """How many of the tests it is known to fail."""
    return sum(value < 1 for value in known(table, candidate, columns).values())


def passed(table: Table, pool: Pool, columns: Sequence[Column]) -> dict[str, float]:
    """How many of the tests each candidate passes, by its id.

    A missing cell counts as what the other candidates got there on average.
    """
    values = {candidate.id: known(table, candidate, columns) for candidate in pool}
    means = {}
    for column in columns:
        there = [found[column.id] for found in values.values() if column.id in found]
        means[column.id] = fmean(there) if there else 0.0
    return {name: round(sum((means | found).values()), DIGITS) for name, found in values.items()}


def verified(table: Table, pool: Pool) -> dict[str, float]:
    """The mean of what verifiers that execute nothing say, by candidate id, from 0 to 1."""
    columns = table.of_kind("grade", "trace")
    if not columns:
        return {candidate.id: UNKNOWN for candidate in pool}
    return {name: total / len(columns) for name, total in passed(table, pool, columns).items()}


def passable(table: Table, columns: Sequence[Column]) -> list[Column]:
    """The tests that some candidate passes: one that all fail is no evidence for any of them."""
    return [c for c in columns if any(known(table, x, [c]).get(c.id) for x in table.effective)]


def telling(table: Table, columns: Sequence[Column]) -> list[Column]:
    """The columns under which candidates differ; the others cannot choose."""
    found = []
    for column in columns:
        rows = (known(table, candidate, [column]) for candidate in table.effective)
        if len({value for row in rows for value in row.values()}) > 1:
            found.append(column)
    return found


def majority_tests(table: Table, most: int) -> list[Column]:
    """The generated tests that agree best with the commonest verdict, at most `most`.

    Of the tests that fail on the unpatched code those whose outcomes over the candidates
    are the commonest come first, then those that differ from them in fewer candidates.
    This is the natural reading of the "top majority tests" of CWM's protocol, whose code
    is not released.
    """
    columns = telling(table, [c for c in table.of_role("reproduction") if c.kind == "generated"])
    pool = sorted(table.effective, key=lambda c: (c.ast, sorted(known(table, c, columns).items())))
    vectors = {
        column.id: tuple(known(table, candidate, [column]).get(column.id) for candidate in pool)
        for column in columns
    }
    counts = [(sum(v == w for w in vectors.values()), v) for v in vectors.values()]
    if not counts:
        return []
    largest = max(count for count, _ in counts)
    centre = min(_order(vector) for count, vector in counts if count == largest)

    def distance(column: Column) -> tuple[int, str]:
        pairs = zip(_order(vectors[column.id]), centre, strict=True)
        return sum(a != b for a, b in pairs), column.id

    return sorted(columns, key=distance)[:most]


def _order(vector: tuple[float | None, ...]) -> tuple[float, ...]:
    return tuple(-1.0 if value is None else value for value in vector)
