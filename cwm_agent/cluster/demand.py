"""Whether a cluster can ever have what a run asks of it.

Ray lets a demand that no node can satisfy wait for ever and says nothing. So
the nodes are asked first, and the answer names both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SLOT = "docker_slot"
"""The resource of a node that one sandbox takes; a node has as many as it can hold sandboxes."""

_GRAIN = 10_000
"""Ray counts resources in ten-thousandths."""
_SHOWN = ("CPU", "GPU", SLOT)


@dataclass(frozen=True, slots=True)
class Node:
    """A living node: all that it has, whether taken or free."""

    name: str
    resources: Mapping[str, float]

    def holds(self, resources: Mapping[str, float]) -> int:
        """How many times it could hold that at once, if it were empty."""
        return min(
            round(self.resources.get(name, 0.0) * _GRAIN) // round(amount * _GRAIN)
            for name, amount in resources.items()
        )

    def __str__(self) -> str:
        has = [f"{name} {self.resources[name]:g}" for name in _SHOWN if self.resources.get(name)]
        return f"{self.name} has {', '.join(has) or 'none of these'}"


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that takes `resources`, all of them on one node, `count` times."""

    what: str
    resources: Mapping[str, float]
    count: int = 1

    def unmet(self, nodes: Sequence[Node]) -> str:
        """Why these nodes can never hold it; "" when they can."""
        fits = sum(node.holds(self.resources) for node in nodes)
        if fits >= self.count:
            return ""
        asked = ", ".join(f"{name} {amount:g}" for name, amount in self.resources.items())
        once = f"{self.what} asks for {asked} on one node"
        if fits:
            return f"{once}; {self.count} are wanted and the nodes hold {fits}"
        return f"{once}, and no node has that"


def unmet(demands: Sequence[Demand], nodes: Sequence[Node]) -> str:
    """What cannot be had of `demands`, and what each node has; "" when all can."""
    missing = [reason for demand in demands if (reason := demand.unmet(nodes))]
    if not missing:
        return ""
    listed = "".join(f"\n  {node}" for node in nodes) or "\n  none is up"
    return f"{'; '.join(missing)}. The nodes:{listed}"
