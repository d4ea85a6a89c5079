"""Moved values that a statement puts into, or takes out of, a known list or dict in its place."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cwm_agent.debug.certain.texts import known, moved, written
from cwm_agent.debug.plain.limits import UnknownError


@dataclass(frozen=True, slots=True)
class Placed:
    """`texts`: the variable that was changed, with its text afterwards; `value`: what came out."""

    texts: Mapping[str, str]
    value: str | None = None


def placed(node: ast.stmt, names: Mapping[str, str]) -> Placed:
    """What a statement that only puts, takes or drops does; raises UnknownError."""
    match node:
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=place)], value=value):
            one = known(moved(value, names))
            container = _container(name, names)
            _apart(one, names[name])
            return _done(name, container, _set, (known(moved(place, names)), one))
        case ast.Delete(targets=[ast.Subscript(value=ast.Name(id=name), slice=place)]):
            return _done(name, _container(name, names), _drop, (known(moved(place, names)),))
        case ast.Expr(value=call) | ast.Return(value=call):
            return called_in_place(call, names)
        case ast.Assign(targets=targets, value=call):
            if all(isinstance(one, ast.Name) for one in targets):
                return called_in_place(call, names)
    raise UnknownError


def called_in_place(node: ast.expr | None, names: Mapping[str, str]) -> Placed:
    """What the call of a list's or a dict's method does; raises UnknownError."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr=method), args=args, keywords=[]
        ):
            container = _container(name, names)
            given = tuple(known(moved(one, names)) for one in args)
            for one in given:
                _apart(one, names[name])
            ways = _LIST if isinstance(container, list) else _DICT
            if method in ways:
                return _done(name, container, getattr(type(container), method), given)
    raise UnknownError


_LIST = {"append", "insert", "extend", "pop", "clear", "reverse"}
_DICT = {"pop", "clear", "setdefault", "update"}
"""They move what is there; what sorts or searches is computed."""


def _container(name: str, names: Mapping[str, str]) -> list[object] | dict[object, object]:
    """A copy of a list or dict, of which nothing else has to be known."""
    if name not in names:
        raise UnknownError
    value = known(names[name])
    if isinstance(value, list | dict):
        return value.copy()
    raise UnknownError


def _apart(value: object, text: str) -> None:
    """Raise for a value that may be, or hold, the container that it is put into."""
    if text in repr(value):
        raise UnknownError


def _set(container: Any, place: object, value: object) -> None:
    container[place] = value


def _drop(container: Any, place: object) -> None:
    del container[place]


def _done(name: str, container: Any, act: Any, given: tuple[object, ...]) -> Placed:
    try:
        value = act(container, *given)
        return Placed({name: written(container)}, written(value))
    except (LookupError, TypeError, ValueError) as error:  # it raises, and how is computed
        raise UnknownError from error
