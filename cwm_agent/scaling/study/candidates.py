"""The samples of an issue as people compare them: what behaves alike stands on one line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean

from cwm_agent.scaling.table import Candidate, Cell, Column, Kind, Table

MOST_INPUTS = 2
"""Inputs on which the behaviours differ that are shown."""
WIDTH = 60
"""Characters of such an input and of what comes out."""
_NAMES: dict[Kind, str] = {
    "existing": "old tests",
    "generated": "issue's tests",
    "harvested": "samples' tests",
}


def candidate_lines(
    table: Table,
    chance: Mapping[str, float],
    chosen: str | None = None,
    right: Mapping[str, bool] | None = None,
) -> list[str]:
    """A line a behaviour, likeliest first, then the inputs that tell behaviours apart.

    `chance` is by behaviour, `chosen` and `right` (a judge's verdicts) by candidate. Tests count as
    passed / known; the grade is the mean of what the samples gave themselves.
    """
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in table.effective:
        groups[candidate.behaviour].append(candidate)
    order = sorted(groups.values(), key=lambda g: (-chance.get(g[0].behaviour, 0.0), g[0].sample))
    rows = [
        [
            "→" if any(c.id == chosen for c in group) else "",
            _samples(group),
            *_evidence(table, group),
            f"P(right) {chance[group[0].behaviour]:.2f}" if group[0].behaviour in chance else "",
            _verdicts(group, right or {}),
        ]
        for group in order
    ]
    lines = _aligned(rows)
    if idle := [c for c in table.candidates if not c.normalised]:
        lines.append(f"   {_samples(idle)}: nothing that counts is changed")
    return [*lines, *_inputs(table, order)]


def _evidence(table: Table, group: Sequence[Candidate]) -> list[str]:
    shown = []
    for kind, name in _NAMES.items():
        cells = [found for column in table.of_kind(kind) if (found := _cells(table, group, column))]
        passed = sum(all(cell.passed for cell in found) for found in cells)
        shown.append(f"{name} {passed}/{len(cells)}" if cells else "")
    grades = [cell.value for c in table.of_kind("grade") for cell in _cells(table, group, c)]
    return [*shown, f"grade {fmean(grades):.2f}" if grades else ""]


def _cells(table: Table, group: Sequence[Candidate], column: Column) -> list[Cell]:
    found = (table.steady(candidate, column) for candidate in group)
    return [cell for cell in found if cell is not None]


def _samples(group: Sequence[Candidate]) -> str:
    word = "sample" if len(group) == 1 else "samples"
    return f"{word} {', '.join(map(_named, group))}"


def _named(candidate: Candidate) -> str:
    if not candidate.parent:
        return candidate.id
    return f"{candidate.id} (from {candidate.parent}, turn {candidate.branch_turn})"


def _verdicts(group: Sequence[Candidate], right: Mapping[str, bool]) -> str:
    told = sorted({right[c.id] for c in group if c.id in right})
    return " and ".join("right" if good else "wrong" for good in told)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side; those that are empty everywhere are left out."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[:1] = [1]
    padded = ([t.ljust(w) for t, w in zip(row, widths, strict=True) if w] for row in rows)
    return ["  ".join(cells).rstrip() for cells in padded]


def _inputs(table: Table, order: Sequence[Sequence[Candidate]]) -> list[str]:
    """What comes out of the calls that tell behaviours apart."""
    lines = []
    for column in table.of_kind("distinguishing")[:MOST_INPUTS]:
        shown: dict[str, list[str]] = defaultdict(list)
        for group in order:
            for cell in _cells(table, group, column)[:1]:
                shown[cell.output].append(group[0].id)
        told = "; ".join(f"{_cut(text)} ({', '.join(ids)})" for text, ids in shown.items())
        lines.append(f"   {_cut(column.name or column.id)} gives {told}")
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
