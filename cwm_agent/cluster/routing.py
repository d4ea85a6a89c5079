"""Which replica a new conversation goes to, and which free worker takes an attempt.

Pure rules: what is shared (a prefix in an engine, an image on a node) is worth
more than an even load, up to a point.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass

SLACK = 2
"""Conversations that a replica may have beyond half as many again as the emptiest one."""


def choose_replica(loads: Mapping[int, int], home: int | None) -> int:
    """The replica for a conversation, by number; `loads` has the conversations of each.

    `home` is where other samples of the issue are or were: their prefix is
    computed there. It is taken unless it is much fuller than the emptiest.
    """
    emptiest = min(loads, key=lambda number: (loads[number], number))
    if home is not None and home in loads and loads[home] <= 1.5 * loads[emptiest] + SLACK:
        return home
    return emptiest


@dataclass(frozen=True, slots=True)
class Free:
    """A worker without an attempt: its node, and the instance that it worked on last."""

    node: str
    instance: str


def choose_worker(
    free: Sequence[Free],
    instance: str,
    environment: Hashable,
    present: Mapping[str, Set[Hashable]],
) -> int:
    """Which of the free workers takes an attempt; `present` has the environments by node.

    First one that holds the instance's repository and first test run, then one
    on a node that has the image or environment, then the one that waits longest.
    """

    def worth(place: int) -> tuple[bool, bool, int]:
        worker = free[place]
        known = environment in present.get(worker.node, frozenset())
        return worker.instance == instance, known, -place

    return max(range(len(free)), key=worth)
