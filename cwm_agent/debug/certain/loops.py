"""What a `for` loop takes next from a literal, a variable or a counted range."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cwm_agent.debug.certain.history import History, single
from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import UnknownError, bound, known, moved

MOST = 10_000
"""Elements that a counted range may have."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Of a loop about to go on: its FOR_ITER, and the values of its targets, None when it ends."""

    offset: int
    values: Mapping[str, str] | None


def turn(history: History, node: ast.For, program: Statements) -> Turn:
    """What the loop on the last line takes next; raises UnknownError."""
    flow = history.flow
    reached = flow.closure(history.top.at)
    steps = [one for one in reached if flow.instructions[one].name == "FOR_ITER"]
    if len(steps) != 1 or history.event != "line" or not history.undisturbed:
        raise UnknownError
    count, entered, since = 0, None, []
    for moment in history.own:
        if moment.frame is None or moment.frame.event == "exception" or moment.scope is None:
            raise UnknownError
        since.append(dict(moment.scope.locals))
        if moment.frame.event == "line" and moment.line == node.lineno:
            if steps[0] not in single(moment).at:
                entered = moment
                break
            count += 1
    if entered is None:
        raise UnknownError
    loop = _Loop(node, history, program, tuple(since))
    elements = loop.elements(node.iter)
    if count >= len(elements):
        return Turn(steps[0], None)
    return Turn(steps[0], bound(node.target, elements[count]))


@dataclass(frozen=True, slots=True)
class _Loop:
    """`since`: the variables at each frame of the function since the loop began, that one last."""

    node: ast.For
    history: History
    program: Statements
    since: tuple[dict[str, str], ...]

    def elements(self, node: ast.expr) -> Sequence[object]:
        """All that the loop takes; raises UnknownError."""
        entry = self.since[-1]
        match node:
            case ast.Call(func=ast.Name(id="range"), args=given, keywords=[]):
                self._language("range")
                return _counted([known(moved(one, entry)) for one in given])
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner], keywords=[]):
                self._language("enumerate")
                return list(enumerate(self.elements(inner)))
            case ast.Call(func=ast.Name(id="zip"), args=[_, *_] as inner, keywords=[]):
                self._language("zip")
                return list(zip(*map(self.elements, inner), strict=False))
            case ast.Call(
                func=ast.Attribute(
                    value=ast.Name() as base, attr="items" | "keys" | "values" as view
                ),
                args=[],
                keywords=[],
            ):
                value = known(self._standing(base))
                if not isinstance(value, dict):
                    raise UnknownError
                return list(getattr(value, view)())
            case ast.Name():
                return _taken(known(self._standing(node)))
        return _taken(known(moved(node, entry)))

    def _language(self, name: str) -> None:
        if name in self.program.bound:
            raise UnknownError

    def _standing(self, node: ast.Name) -> str:
        """The text of a variable that was the same all through the loop."""
        stored = {
            one.id
            for one in ast.walk(self.node)
            if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)
        }
        code = self.history.flow.code
        if node.id in stored or node.id in (*code.co_cellvars, *code.co_freevars):
            raise UnknownError
        texts = {names.get(node.id) for names in self.since}
        text = self.since[-1].get(node.id)
        if text is None or len(texts) != 1:
            raise UnknownError
        return text


def _counted(numbers: list[object]) -> range:
    whole = [one for one in numbers if isinstance(one, int)]
    if len(whole) != len(numbers) or not 1 <= len(whole) <= 3:
        raise UnknownError
    try:
        found = range(*whole)
    except ValueError as error:  # a step of 0
        raise UnknownError from error
    if len(found) > MOST:
        raise UnknownError
    return found


def _taken(value: object) -> Sequence[object]:
    if isinstance(value, str | list | tuple):
        return value
    if isinstance(value, dict):
        return list(value)
    raise UnknownError
