"""Which candidates are the same: by their text, by their code, by what they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from cwm_agent.scaling.normalise import ast_key, digest, normalise, placed
from cwm_agent.scaling.table import Candidate, Cell, Column, Table

EXECUTED = ("existing", "generated", "harvested", "distinguishing")
"""Kinds of columns that say what a candidate does; grades and predictions say what one thinks."""

Seen = dict[str, str]
"""What was seen of a candidate, by column id."""


def with_patch(candidate: Candidate, files: Mapping[str, str | None] | None = None) -> Candidate:
    """The candidate with its normalised patch, its size and the clusters of text and AST.

    `files` are the touched files after the patch (see `ast_key`), where they are known.
    """
    normalised = normalise(candidate.patch)
    return replace(
        candidate,
        normalised=normalised,
        size=len(candidate.patch),
        text=digest(candidate.patch) if candidate.patch else "",
        ast=(ast_key(files) if files else digest(placed(candidate.patch))) if normalised else "",
    )


def clustered(table: Table) -> Table:
    """The table with the behaviour cluster of each candidate that changes something.

    Candidates of one AST are one. Such groups join where no column that is known of both
    differs and at least one is. Fuller groups come first, so the result is the same for
    every order of the samples.
    """
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in table.candidates:
        if candidate.ast:
            groups[candidate.ast].append(candidate)
    seen = {key: _seen(table, members) for key, members in groups.items()}
    clusters: list[tuple[Seen, list[str]]] = []
    for key in sorted(groups, key=lambda key: (-len(seen[key]), sorted(seen[key].items()), key)):
        for known, keys in clusters:
            if _agree(known, seen[key]):
                known.update(seen[key])
                keys.append(key)
                break
        else:
            clusters.append((dict(seen[key]), [key]))
    names = {key: digest(repr(sorted(keys))) for _, keys in clusters for key in keys}
    candidates = [replace(c, behaviour=names.get(c.ast, "")) for c in table.candidates]
    return replace(table, candidates=tuple(candidates))


def _agree(one: Seen, other: Seen) -> bool:
    common = one.keys() & other.keys()
    return bool(common) and all(one[column] == other[column] for column in common)


def _seen(table: Table, members: list[Candidate]) -> Seen:
    """What all members that were run under a column showed there; columns at odds are left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for column in table.columns:
        for member in members:
            cell = table.cell(member, column)
            if cell is not None and column.kind in EXECUTED:
                found[column.id].add(_shown(column, cell))
    agreed = {column: shown for column, shown in found.items() if len(shown) == 1}
    return {column: only for column, (only,) in agreed.items() if only}


def _shown(column: Column, cell: Cell) -> str:
    """The outcome, with the output where that is the point; "" where repeats differed."""
    if cell.flaky or column.flaky:
        return ""
    return f"{cell.outcome}:{cell.output}" if column.kind == "distinguishing" else cell.outcome
