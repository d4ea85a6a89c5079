"""Several trajectories step by step beside each other, by their common actions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from cwm_agent.view.trajectory.trajectory import Step, Trajectory

Row = tuple[Step | None, ...]
"""One step of each trajectory, None where it has none at that place."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """`rows` in the order of the first; `first` is the row where two differ first, or None."""

    rows: tuple[Row, ...]
    first: int | None


def signature(step: Step) -> Hashable:
    """What makes two steps the same action: tool and call, up to blanks."""
    return (step.action.kind, step.action.path, " ".join(step.action.body.split()))


def align(trajectories: Sequence[Trajectory]) -> Alignment:
    """Align all to the first by the longest common subsequences of their actions.

    Steps between two common ones stand beside each other in their order.
    """
    if not trajectories:
        return Alignment((), None)
    rows: list[list[Step | None]] = [[step] for step in trajectories[0].steps]
    for count, other in enumerate(trajectories[1:], 1):
        rows = _join(rows, list(other.steps), count)
    found = tuple(tuple(row) for row in rows)
    first = next((place for place, row in enumerate(found) if differs(row)), None)
    return Alignment(found, first)


def differs(row: Row) -> bool:
    """Whether not all did the same here."""
    return len({None if step is None else signature(step) for step in row}) > 1


def _join(
    rows: list[list[Step | None]], steps: list[Step], columns: int
) -> list[list[Step | None]]:
    base = [_signature_of(row) for row in rows]
    matcher = SequenceMatcher(None, base, [signature(step) for step in steps], autojunk=False)
    joined: list[list[Step | None]] = []
    for _, a, b, c, d in matcher.get_opcodes():
        for place in range(max(b - a, d - c)):
            row = rows[a + place] if a + place < b else [None] * columns
            step = steps[c + place] if c + place < d else None
            joined.append([*row, step])
    return joined


def _signature_of(row: Sequence[Step | None]) -> Hashable:
    return next((signature(step) for step in row if step is not None), None)


@dataclass(frozen=True, slots=True)
class Pivot:
    """Where two replies part: `place` counts tokens of the reply from 0.

    `ids` are the two tokens, None where a reply ends; `logprobs` what each side gave its own
    choice, `crossed` what it gave the other's; None where that was not recorded.
    """

    place: int
    ids: tuple[int | None, int | None]
    logprobs: tuple[float | None, float | None]
    crossed: tuple[float | None, float | None] = (None, None)


def pivot(one: Step, two: Step) -> Pivot | None:
    """The first token that differs; None without ids, or where all are equal."""
    a, b = one.tokens.ids, two.tokens.ids
    if not a or not b or a == b:
        return None
    place = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)
    place = min(len(a), len(b)) if place is None else place

    def at(values: Sequence[int], place: int) -> int | None:
        return values[place] if place < len(values) else None

    def chance(step: Step) -> float | None:
        known = step.tokens.logprobs
        return known[place] if place < len(known) else None

    def given(step: Step, token: int | None) -> float | None:
        odds = step.tokens.odds
        if odds is None or place >= len(odds.ids) or token not in odds.ids[place]:
            return None
        return odds.logprobs[place][odds.ids[place].index(token)]

    ids = (at(a, place), at(b, place))
    crossed = (given(one, ids[1]), given(two, ids[0]))
    return Pivot(place, ids, (chance(one), chance(two)), crossed)
