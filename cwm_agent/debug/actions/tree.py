"""An execution as a tree of states, and where each debugger action leads in it.

Frames of a called function lie one level below the line that calls it. The rules are
those of section 4.1 of arXiv 2603.09951, which leaves open what `step_return` does where
no return comes any more on this level: it steps over then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from model.text.actions import Action, Exit, Kind
from model.text.traces import UNCHANGED, Frame


@dataclass(frozen=True, slots=True)
class Node:
    """One state: `depth` of its function (the entry has 1), the number of its `activation`,
    and all its locals (for a result: those last shown)."""

    kind: Kind
    line: str
    depth: int
    activation: int
    locals: Mapping[str, str]
    value: str = ""


@dataclass(frozen=True, slots=True)
class StateTree:
    """States in the order of one direction of time, and how the execution ends there."""

    nodes: tuple[Node, ...]
    exit: Exit
    inverse: bool = False

    @classmethod
    def of(cls, frames: Sequence[Frame], exit: Exit) -> Self:
        """The tree of a recorded execution, whose first frame is the entry's call."""
        return cls(tuple(_nodes(frames)), exit)

    def inverted(self, last: int | None = None) -> StateTree:
        """The tree that goes back from the return at `last` to its function's call.

        A line that calls comes twice: before the states of its calls as `line_call`, and
        after them as `line`.
        """
        last = len(self.nodes) - 1 if last is None else last
        end = self.nodes[last]
        first = next(
            i
            for i in range(last, -1, -1)
            if self.nodes[i].activation == end.activation and self.nodes[i].kind == "call"
        )
        part = self.nodes[first : last + 1]
        found: list[Node] = []
        for place in range(len(part) - 1, -1, -1):
            node = part[place]
            caller = _caller(part, place)
            if caller is not None:
                found.append(caller)
            found.append(node)
        return StateTree(tuple(found), "entry", inverse=True)

    def target(self, start: int, action: Action) -> int:
        """The number of the state that an action leads to; `len(nodes)` is the exit."""
        end, here = len(self.nodes), self.nodes[start]
        later = range(start + 1, end)
        if action.verb == "step_into":
            return min(start + 1, end)
        if action.verb == "continue":
            return end
        if action.verb == "breakpoint":
            wanted = action.line.rstrip()
            return next((i for i in later if self.nodes[i].line.rstrip() == wanted), end)
        if action.verb in ("step_return", "step_call"):
            kind = "return" if action.verb == "step_return" else "call"
            for i in later:
                if self.nodes[i].activation == here.activation and self.nodes[i].kind == kind:
                    return i
        return next((i for i in later if self.nodes[i].depth <= here.depth), end)


def _caller(part: Sequence[Node], place: int) -> Node | None:
    """The line whose calls end with `place`, as seen from behind them."""
    node = part[place]
    after = part[place + 1].depth if place + 1 < len(part) else node.depth
    if after >= node.depth:
        return None
    above = next(one for one in reversed(part[:place]) if one.depth < node.depth)
    return Node("line_call", above.line, above.depth, above.activation, above.locals)


def _nodes(frames: Sequence[Frame]) -> Iterator[Node]:
    """States with levels; a generator that goes on has a new activation each time."""
    stack: list[tuple[int, dict[str, str]]] = []
    left: dict[str, dict[str, str]] = {}
    for number, frame in enumerate(frames):
        if frame.event == "call":
            known = left.get(frame.line, {})
            stack.append((number, _whole(frame, known)))
        elif frame.event == "line":
            stack[-1] = (stack[-1][0], _whole(frame, stack[-1][1]))
        activation, known = stack[-1]
        yield Node(frame.event, frame.line, len(stack), activation, dict(known), frame.value)
        if frame.event == "return":
            left[_definition(frames, activation)] = known
            stack.pop()


def _definition(frames: Sequence[Frame], activation: int) -> str:
    return frames[activation].line


def _whole(frame: Frame, known: Mapping[str, str]) -> dict[str, str]:
    return {
        name: known.get(name, UNCHANGED) if value == UNCHANGED else value
        for name, value in frame.locals
    }
