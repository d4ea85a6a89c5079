"""All that was predicted, as a tree: a changed variable or a second sample is a branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.predict.predictor import Cursor, Prediction, PredictionRequest
from model.text.actions import STEP_INTO, Action
from model.text.traces import Event


@dataclass(slots=True, eq=False)
class Node:
    """A moment with the prediction that led to it, and the cursor behind it.

    `edited`: its frame was given by a person; `action`: what led to it. The last of
    `children` is the branch that was taken last.
    """

    moment: Moment
    cursor: Cursor
    parent: Node | None = None
    prediction: Prediction | None = None
    edited: str = ""
    action: Action = STEP_INTO
    children: list[Node] = field(default_factory=list)

    @property
    def latest(self) -> Node | None:
        """The step after this one on the branch that was taken last."""
        return self.children[-1] if self.children else None

    @property
    def branches(self) -> list[Node]:
        """This step and the others that were predicted or set instead."""
        return [self] if self.parent is None else self.parent.children

    @property
    def root(self) -> Node:
        """Before the first step."""
        here = self
        while here.parent is not None:
            here = here.parent
        return here

    def known(self, action: Action, event: Event | None) -> Node | None:
        """What an action gave last, with a frame of this event (None: of any)."""
        for child in reversed(self.children):
            frame = child.moment.frame
            if child.action == action and (event is None or (frame and frame.event == event)):
                return child
        return None

    def add(self, child: Node) -> Node:
        """A new last branch."""
        self.children.append(child)
        return child

    def take(self) -> None:
        """Make this the branch that was taken last."""
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent.children.append(self)

    def path(self) -> list[Node]:
        """From the first step to this one."""
        found: list[Node] = []
        here: Node | None = self
        while here is not None and here.parent is not None:
            found.append(here)
            here = here.parent
        return found[::-1]

    def walk(self) -> Iterator[Node]:
        """This node and all below."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def predictions(node: Node, requests: Iterable[PredictionRequest]) -> list[Prediction]:
    """Different predictions of what follows a node, the likeliest first; nothing changes by it."""
    found: dict[str, Prediction] = {}
    for request in requests:
        cursor = node.cursor.fork()
        try:
            one = cursor.predict(node.moment, request)
        finally:
            cursor.close()
        found.setdefault(repr((one.frame, one.ended, one.exit, one.problem)), one)
    return sorted(found.values(), key=lambda one: -one.logprob)
