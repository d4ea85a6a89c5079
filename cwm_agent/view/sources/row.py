"""One attempt in a list, and its marks: a shape and a colour, never a colour alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

State = Literal[
    "resolved", "unresolved", "error", "live", "unscored", "new", "damaged"
]  # fmt: skip
"""How an attempt stands. "error": it broke, or was killed; "new": nothing was read of it yet."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state is drawn."""

    shape: str
    ascii: str
    style: str


MARKS: Mapping[State, Mark] = {
    "resolved": Mark("✓", "+", "bold #4ec27a"),
    "unresolved": Mark("✗", "x", "bold #e8697d"),
    "error": Mark("!", "!", "bold #e5b454"),
    "live": Mark("▶", ">", "bold #5fb3e8"),
    "unscored": Mark("○", "o", "#a8b0bd"),
    "new": Mark("·", ".", "#7d8590"),
    "damaged": Mark("▒", "#", "bold #c792ea"),
}
FAILED: frozenset[State] = frozenset({"unresolved", "error", "damaged"})


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of one attempt, and what filters ask about.

    `exit` is the recorder's own word. `path` is the folder of an attempt or a file; `place`
    counts the trajectories of one file. `resolved_of` is "resolved/known" over the samples of
    its instance, `flip` whether those differ.
    """

    run: str
    instance: str
    sample: int
    state: State
    path: Path
    exit: str = ""
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    tools: tuple[str, ...] = ()
    policy: str = ""
    updated: str = ""
    problem: str = ""
    place: int = 0
    resolved_of: str = ""
    flip: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        """What it is known by."""
        return (self.run, self.instance, self.sample)

    @property
    def failed(self) -> bool:
        """Whether it is over and not resolved."""
        return self.state in FAILED


def with_siblings(rows: Iterable[Row]) -> list[Row]:
    """The rows with `resolved_of` and `flip` set from the others of the same instance."""
    known = list(rows)
    groups: dict[str, list[State]] = defaultdict(list)
    for row in known:
        if row.state in ("resolved", "unresolved"):
            groups[row.instance].append(row.state)
    told = {
        instance: (f"{states.count('resolved')}/{len(states)}", len(set(states)) > 1)
        for instance, states in groups.items()
    }
    found = []
    for row in known:
        share, flip = told.get(row.instance, ("", False))
        same = (row.resolved_of, row.flip) == (share, flip)
        found.append(row if same else replace(row, resolved_of=share, flip=flip))
    return found


def counts(rows: Iterable[Row]) -> dict[State, int]:
    """How many are in each state, in the order of `MARKS`."""
    found: dict[State, int] = dict.fromkeys(MARKS, 0)
    for row in rows:
        found[row.state] += 1
    return found
