"""A table as arrays: clusters of candidates, and what each column says of each cluster."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cwm_agent.scaling.table import Candidate, Column, Table

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TESTS = tuple(
    (kind, role)
    for kind in ("existing", "generated", "harvested", "harvested by a right sample", "quoted")
    for role in ("regression", "reproduction")
)
"""Kinds of tests, each with reliabilities of its own. "quoted": the issue itself makes the call."""
BY_RIGHT = 2
"""From the place of a harvested test in TESTS to that of one whose author is right."""
VERIFIERS = ("grade", "trace", "distinguishing")
"""Kinds of columns whose cells may carry a score."""
BINS = 5
"""Scores are sorted into so many equal parts of 0 to 1."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one issue with m clusters and g groups of tests that say the same.

    `sizes` (m) counts the independent candidates of each cluster, `idle` those that change nothing.
    `outcomes` (g, m) is 1 for pass, 0 for fail, -1 where nothing is known; `kinds` (g)
    indexes TESTS, `counts` (g) says how many tests a group weighs (see `_weight`), `authors` (g) is
    the cluster of the sample that wrote a harvested one, -1 for others. `scores`
    (verifiers, m) holds bins, -1 where there is none; `score_kinds` indexes VERIFIERS.
    `outputs` (d, m) numbers the outputs on each distinguishing input, -1 for unknown;
    `output_counts` (d) says how many inputs part the clusters in that way.
    """

    clusters: tuple[str, ...]
    sizes: Integers
    idle: int
    outcomes: Integers
    kinds: Integers
    counts: Floats
    authors: Integers
    scores: Integers
    score_kinds: Integers
    outputs: Integers
    output_counts: Floats


def evidence(table: Table, *, all_failed: bool) -> Evidence:
    """The arrays of a table. Tests that no candidate passes are taken in only on `all_failed`."""
    members: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in table.effective:
        members[candidate.behaviour].append(candidate)
    names = tuple(sorted(members))
    groups = [members[name] for name in names]
    places = {c.sample: place for place, group in enumerate(groups) for c in group}
    tests: dict[tuple[int, int, tuple[int, ...]], int] = defaultdict(int)
    inputs: dict[tuple[int, ...], int] = defaultdict(int)
    scores: list[tuple[int, list[int]]] = []
    for column in table.columns:
        kind = (_kind(column), column.role)
        if kind in TESTS:
            row = tuple(_outcome(table, column, group) for group in groups)
            if 1 in row or (all_failed and 0 in row):
                origin = column.origin if column.kind == "harvested" else None
                author = -1 if origin is None else places.get(origin, -1)
                tests[TESTS.index(kind), author, row] += 1
        elif column.kind == "distinguishing":
            inputs[_outputs(table, column, groups)] += 1
        if column.kind in VERIFIERS:
            row = tuple(_bin(table, column, group) for group in groups)
            scores.append((VERIFIERS.index(column.kind), list(row)))
    m = len(names)
    return Evidence(
        names,
        np.array([table.votes(group) for group in groups], dtype=np.int64),
        table.votes(c for c in table.candidates if not c.normalised),
        np.array([row for *_, row in tests], dtype=np.int64).reshape(len(tests), m),
        np.array([kind for kind, *_ in tests], dtype=np.int64),
        np.array([_weight(kind, n) for (kind, *_), n in tests.items()], dtype=np.float64),
        np.array([author for _, author, _ in tests], dtype=np.int64),
        np.array([row for _, row in scores], dtype=np.int64).reshape(len(scores), m),
        np.array([kind for kind, _ in scores], dtype=np.int64),
        np.array(list(inputs), dtype=np.int64).reshape(len(inputs), m),
        np.array(list(inputs.values()), dtype=np.float64),
    )


def _kind(column: Column) -> str:
    """A generated test without an origin was not written by a model: the issue quotes the call."""
    quoted = column.kind == "generated" and column.origin is None
    return "quoted" if quoted else column.kind


def _weight(kind: int, count: int) -> float:
    """Regression tests that say the same are no independent witnesses: n weigh 1 + log n, or
    the hundreds that a repository has would drown what tells the candidates apart."""
    return 1 + math.log(count) if TESTS[kind][0] == "existing" else float(count)


def _outcome(table: Table, column: Column, group: Sequence[Candidate]) -> int:
    """What a cluster does under a test. A sample's own test was written until it passed, so it says
    nothing of that sample, nor of those that do the same or share turns with it."""
    if column.kind == "harvested" and column.origin in table.authors:
        family = table.authors[column.origin]
        if any(table.families[candidate.id] == family for candidate in group):
            return -1
    found = {cell.passed for c in group if (cell := table.steady(c, column)) is not None}
    return int(found.pop()) if len(found) == 1 else -1


def _outputs(
    table: Table, column: Column, groups: Sequence[Sequence[Candidate]]
) -> tuple[int, ...]:
    """The outputs numbered in the order of their first cluster."""
    numbers: dict[str, int] = {}
    row = []
    for group in groups:
        cells = (table.steady(candidate, column) for candidate in group)
        found = {f"{cell.outcome}:{cell.output}" for cell in cells if cell is not None}
        shown = found.pop() if len(found) == 1 else None
        row.append(-1 if shown is None else numbers.setdefault(shown, len(numbers)))
    return tuple(row)


def _bin(table: Table, column: Column, group: Sequence[Candidate]) -> int:
    """The part of 0 to 1 in which the mean score of a cluster lies."""
    cells = (table.steady(candidate, column) for candidate in group)
    values = [
        cell.value
        for cell in cells
        if cell is not None and (column.kind != "distinguishing" or cell.score is not None)
    ]
    return min(BINS - 1, int(BINS * sum(values) / len(values))) if values else -1
