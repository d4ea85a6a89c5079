"""What a `for` loop takes next from a literal, a variable or a counted range."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from cwm_agent.debug.certain.history import History, single
from cwm_agent.debug.certain.paths import shared_names
from cwm_agent.debug.certain.statements import Statements
from cwm_agent.debug.certain.texts import (
    UNSEEN,
    bound,
    elements_of,
    known,
    moved,
)
from cwm_agent.debug.plain.limits import UnknownError
from model.text.traces import UNCHANGED

MOST = 10_000
"""Elements that a counted range may have."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Of a loop about to go on, or to end: its FOR_ITER, and what is known of it.

    `over`: whether it ends, None where that is left open. `values`: texts of
    its targets, those that are known, if it goes on.
    """

    offset: int
    over: bool | None
    values: Mapping[str, str]


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
    over, element = loop.at(node.iter, count)
    return Turn(steps[0], over, {} if over else bound(node.target, element))


@dataclass(frozen=True, slots=True)
class _Loop:
    """`since`: the variables at each frame of the function since the loop began, that one last."""

    node: ast.For
    history: History
    program: Statements
    since: tuple[dict[str, str], ...]

    def at(self, node: ast.expr, count: int) -> tuple[bool | None, object]:
        """Whether nothing is left after so many turns, and else the next element.

        What cannot be known of them is None and `UNSEEN`; raises UnknownError.
        """
        try:
            elements = self.elements(node)
        except UnknownError:
            return self._partly(node, count)
        over = count >= len(elements)
        return over, UNSEEN if over else elements[count]

    def _partly(self, node: ast.expr, count: int) -> tuple[bool | None, object]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=given, keywords=[]):
                self._language("range")
                return self._counting(node, given, count)
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *rest], keywords=named):
                first = self._first(rest, named)
                over: bool | None = None
                element: object = UNSEEN
                with suppress(UnknownError):
                    over, element = self.at(inner, count)
                return over, (first + count, element)
            case ast.Call(func=ast.Name(id="sorted"), args=[inner]):
                self._language("sorted")
                # Before the first turn it is still to be sorted, which may fail or call a key.
                left = len(self.elements(inner)) - count
                return (left <= 0 if count or not left else None), UNSEEN
        raise UnknownError

    def _counting(
        self, node: ast.expr, given: list[ast.expr], count: int
    ) -> tuple[bool | None, object]:
        """A range of which not all is known: it counts on from what it was seen to begin with."""
        numbers = [self._number(one) for one in given]
        if not 1 <= len(numbers) <= 3:
            raise UnknownError
        start, stop = (0, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
        step = numbers[2] if len(numbers) == 3 else 1
        target = self.node.target
        if start is None and count and node is self.node.iter and isinstance(target, ast.Name):
            seen = known(self.since[-2].get(target.id, UNCHANGED))
            start = seen if isinstance(seen, int) else None
        if start is None or not step:
            raise UnknownError
        if stop is None or not count:
            return None, start + count * step
        element = start + count * step
        return element not in range(start, stop, step), element

    def _first(self, rest: list[ast.expr], named: list[ast.keyword]) -> int:
        """The number with which an enumeration starts."""
        self._language("enumerate")
        given = [*rest, *(one.value for one in named if one.arg == "start")]
        if len(given) != len(rest) + len(named) or len(given) > 1:
            raise UnknownError
        number = self._number(given[0]) if given else 0
        if number is None:
            raise UnknownError
        return number

    def _number(self, node: ast.expr) -> int | None:
        try:
            value = known(moved(node, self.since[-1]))
        except UnknownError:
            return None
        if not isinstance(value, int):
            raise UnknownError
        return int(value)

    def elements(self, node: ast.expr) -> Sequence[object]:
        """All that the loop takes; raises UnknownError."""
        entry = self.since[-1]
        match node:
            case ast.Call(func=ast.Name(id="range"), args=given, keywords=[]):
                self._language("range")
                return _counted([known(moved(one, entry)) for one in given])
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *rest], keywords=named):
                return list(enumerate(self.elements(inner), self._first(rest, named)))
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
            case ast.Call(func=ast.Name(id="list" | "tuple" as copy), args=[inner], keywords=[]):
                self._language(copy)
                return self.elements(inner)
            case ast.Call(func=ast.Name(id="reversed"), args=[inner], keywords=[]):
                self._language("reversed")
                return self._backwards(inner)
            case ast.Name():
                return elements_of(known(self._standing(node)))
            case ast.Subscript():
                for one in ast.walk(node):
                    if isinstance(one, ast.Name):
                        self._standing(one)
        return elements_of(known(moved(node, entry)))

    def _backwards(self, node: ast.expr) -> Sequence[object]:
        match node:
            case ast.Call(func=ast.Name(id="range" | "list")):
                return self.elements(node)[::-1]
        if not isinstance(known(moved(node, self.since[-1])), str | list | tuple):
            raise UnknownError
        return self.elements(node)[::-1]

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
        if node.id in stored or node.id in shared_names(self.history.flow.code):
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
