"""What a scanner says, and what one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cwm_agent.view.trajectory.trajectory import Trajectory


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a scanner saw. `turns` count from 1 and prove it; `says` is ours: it names
    no text of a model or a repository.
    """

    scanner: str
    instance: str
    sample: int
    turns: tuple[int, ...]
    says: str


Scanner = Callable[[Trajectory], Finding | None]
"""A pure function over the steps of one trajectory."""


def finding(known: Trajectory, scanner: str, turns: list[int], says: str) -> Finding:
    """A finding about a trajectory."""
    return Finding(scanner, known.instance, known.sample, tuple(turns), says)
