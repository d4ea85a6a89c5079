"""Targets and loops of comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from cwm_agent.debug.plain.limits import RaisedError, UnknownError, listed

Evaluate = Callable[[ast.expr, dict[str, Any]], Any]
"""The value of an expression where some more names have values."""


def _assigned(target: ast.expr, value: Any) -> dict[str, Any]:
    """Names of a target with their values; raises RaisedError where they are not so many."""
    match target:
        case ast.Name(id=name):
            return {name: value}
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            found: dict[str, Any] = {}
            for part, one in zip(parts, _dealt(parts, value), strict=True):
                found |= _assigned(part.value if isinstance(part, ast.Starred) else part, one)
            return found
    raise UnknownError("such a target is not followed")


def _dealt(parts: list[ast.expr], value: Any) -> list[Any]:
    """One value for each part. The words of errors: Python/ceval.c of CPython 3.11."""
    try:
        iter(value)
    except TypeError as error:
        said = f"cannot unpack non-iterable {type(value).__name__} object"
        raise RaisedError("TypeError", said) from error
    many, wanted = listed(value), len(parts)
    stars = [place for place, part in enumerate(parts) if isinstance(part, ast.Starred)]
    if stars:
        first, after = stars[0], len(many) - (wanted - stars[0] - 1)
        if len(many) < wanted - 1:
            least = f"at least {wanted - 1}"
            raise RaisedError("ValueError", _few(least, len(many)))
        return [*many[:first], many[first:after], *many[after:]]
    if len(many) < wanted:
        raise RaisedError("ValueError", _few(str(wanted), len(many)))
    if len(many) > wanted:
        raise RaisedError("ValueError", f"too many values to unpack (expected {wanted})")
    return many


def _few(wanted: str, got: int) -> str:
    return f"not enough values to unpack (expected {wanted}, got {got})"


def turns(
    generators: list[ast.comprehension], first: Any, evaluate: Evaluate
) -> Iterator[dict[str, Any]]:
    """The values of the targets, turn by turn; `first` is what the first loop goes through."""

    def inner(place: int, values: Any, scope: dict[str, Any]) -> Iterator[dict[str, Any]]:
        one = generators[place]
        for value in listed(values):
            mine = scope | _assigned(one.target, value)
            if all(evaluate(test, mine) for test in one.ifs):
                if place + 1 == len(generators):
                    yield mine
                else:
                    after = evaluate(generators[place + 1].iter, mine)
                    yield from inner(place + 1, after, mine)

    return inner(0, first, {})
