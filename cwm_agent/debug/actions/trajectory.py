"""Ways through a tree of states: what a model of debugger actions is trained and asked on."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cwm_agent.debug.actions.tree import Node, StateTree
from model.text.actions import STEP_INTO, Action, ActionFormat, State, Step, Verb

_FORWARD: Mapping[Verb, float] = {
    "step_into": 0.35,
    "step_over": 0.1,
    "step_return": 0.2,
    "breakpoint": 0.1,
    "continue": 0.05,
}
"""Table A.1 of arXiv 2603.09951; half of the actions come from it, half from `_STEPS`."""
_INVERSE: Mapping[Verb, float] = {"step_into": 0.4, "step_over": 0.3, "step_call": 0.3}
"""Ours: the paper gives none."""
_STEPS: Mapping[Verb, float] = {"step_into": 0.5, "step_over": 0.5}
_NEVER_THERE = 0.1
"""Share of breakpoints on any line of the source, which may not be reached; ours."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """States and the actions between them: one action fewer than states."""

    steps: tuple[Step, ...]
    actions: tuple[Action, ...]
    places: tuple[int, ...]

    def ids(self, form: ActionFormat, *, until: int | None = None) -> tuple[list[int], list[bool]]:
        """Tokens after the prompt, and which of them the model has to say.

        `until` is the place in `steps` of the first one that is left out.
        """
        ids: list[int] = []
        said: list[bool] = []
        for number, step in enumerate(self.steps[:until]):
            part = form.state(step)
            ids += part
            said += [False] + [number > 0] * (len(part) - 1)
            if number < len(self.actions):
                part = form.action(self.actions[number])
                ids += part
                said += [True] + [False] * (len(part) - 1)
        return ids, said


def follow(tree: StateTree, start: int, actions: Sequence[Action]) -> Trajectory:
    """The states that actions lead through; those after the exit are left out."""
    here, shown = start, _Shown(tree)
    steps: list[Step] = [shown.state(here, None)]
    places = [here]
    taken: list[Action] = []
    for action in actions:
        if here >= len(tree.nodes):
            break
        here = tree.target(here, action)
        taken.append(action)
        places.append(here)
        steps.append(shown.state(here, action) if here < len(tree.nodes) else tree.exit)
    return Trajectory(tuple(steps), tuple(taken), tuple(places))


def sample(
    tree: StateTree, source: Sequence[str], rng: random.Random, *, start: int = 0
) -> Trajectory:
    """A random way to the exit; `source` are the lines that breakpoints may name."""
    here = start
    actions: list[Action] = []
    while here < len(tree.nodes):
        actions.append(_draw(tree, here, source, rng))
        here = tree.target(here, actions[-1])
    return follow(tree, start, actions)


def steps_to(tree: StateTree, place: int, rng: random.Random) -> list[Action]:
    """Random single steps from the first state to another; over calls where it is not inside."""
    here = 0
    actions: list[Action] = []
    while here < place:
        over = Action("step_over")
        far = tree.target(here, over)
        actions.append(over if far <= place and rng.random() < 0.5 else STEP_INTO)
        here = tree.target(here, actions[-1])
    return actions


def _draw(tree: StateTree, here: int, source: Sequence[str], rng: random.Random) -> Action:
    whole = _INVERSE if tree.inverse else _FORWARD
    odds = whole if rng.random() < 0.5 else _STEPS
    verb = rng.choices(list(odds), list(odds.values()))[0]
    if verb != "breakpoint":
        return Action(verb)
    ahead = sorted({node.line for node in tree.nodes[here + 1 :]})
    if not ahead or rng.random() < _NEVER_THERE:
        ahead = [line for line in source if line.strip()]
    return Action(verb, rng.choice(ahead))


class _Shown:
    """What of the locals a state shows: all after a change of function, after a breakpoint and
    where one has gone (no change can say so), else the changes since the function was last
    seen; going back, all at calls only."""

    def __init__(self, tree: StateTree) -> None:
        self._tree = tree
        self._known: dict[int, Mapping[str, str]] = {}
        self._last: int | None = None

    def state(self, place: int, action: Action | None) -> State:
        """The state of a node, as it is reached by an action."""
        node = self._tree.nodes[place]
        if node.kind in ("return", "exception"):
            self._seen(node)
            return State(node.kind, node.line, value=node.value)
        jumped = action is not None and action.verb == "breakpoint"
        whole = node.kind == "call"
        if not self._tree.inverse:
            whole |= jumped or self._last != node.activation
        before = self._known.get(node.activation, {})
        whole |= not self._tree.inverse and not before.keys() <= node.locals.keys()
        self._seen(node)
        if whole:
            return State(node.kind, node.line, tuple(node.locals.items()))
        changed = tuple(pair for pair in node.locals.items() if before.get(pair[0]) != pair[1])
        omitted = len(changed) < len(node.locals)
        return State(node.kind, node.line, changed, omitted=omitted)

    def _seen(self, node: Node) -> None:
        self._last = node.activation
        # Forward, a result shows no locals: what is known of the function is older.
        if node.kind not in ("return", "exception") or self._tree.inverse:
            self._known[node.activation] = node.locals
