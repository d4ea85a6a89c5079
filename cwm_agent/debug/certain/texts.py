"""Written values of which it is known what they are: reprs of literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from cwm_agent.debug.plain.limits import UnknownError
from cwm_agent.debug.record.tracer import LONGEST
from model.text.traces import UNCHANGED

_ATOMS = (int, float, complex, str, bytes, type(None))
_OF_AN_OBJECT = re.compile(r" at 0x|<[^>]* object\b|<(bound|built|cell|code|corou|frame|fun|gen)")
"""A text in a text of which a recorder takes the address away."""


UNSEEN = object()
"""An element of which nothing is known."""


@lru_cache(4096)
def known(text: str) -> object:
    """The value of a text that is exactly the repr of a literal; raises UnknownError.

    Texts that a recorder may have cut or freed of addresses, and what is no literal, are not
    known.
    """
    if text == UNCHANGED or "..." in text or len(text) >= LONGEST or _OF_AN_OBJECT.search(text):
        raise UnknownError
    try:
        value = ast.literal_eval(text)
        same = repr(value) == text
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise UnknownError from error
    if not same:
        raise UnknownError
    return value


def is_known(text: str) -> bool:
    """Whether it is the repr of a literal."""
    try:
        known(text)
    except UnknownError:
        return False
    return True


def is_fixed(text: str) -> bool:
    """Whether it is the repr of a literal that nothing can change."""
    try:
        return _fixed(known(text))
    except UnknownError:
        return False


def _fixed(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(_fixed, value))
    return isinstance(value, _ATOMS)


def only_fixed_inside(value: object) -> bool:
    """Whether a container holds nothing that can change by itself."""
    if isinstance(value, dict):
        return all(map(_fixed, value.values()))
    return isinstance(value, list | set | tuple) and all(map(_fixed, value))


def written(value: object) -> str:
    """The text of a value; raises UnknownError for one that is not sure to be written so."""
    text = repr(value)
    known(text)
    return text


def moved(node: ast.expr, names: Mapping[str, str]) -> str:
    """The text of an expression that only moves values.

    Literals and names, lists, tuples and dicts of them, texts put together of
    them, and parts of known values at known places. Nothing is computed: no
    operator, no comparison, no function. Raises UnknownError.
    """
    match node:
        case ast.Name(id=name):
            if name not in names:
                raise UnknownError
            known(names[name])
            return names[name]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = [value for part in parts for value in _spread(part, names)]
            return written(tuple(values) if isinstance(node, ast.Tuple) else values)
        case ast.Dict():
            return _dict(node, names)
        case ast.JoinedStr(values=parts):
            return written("".join(_said(part, names) for part in parts))
        case ast.Subscript(value=base, slice=place):
            return _part(known(moved(base, names)), _place(place, names))
        case ast.Call(func=ast.Attribute(value=base, attr="get"), args=[place, *rest], keywords=[]):
            return _got(known(moved(base, names)), [known(moved(n, names)) for n in (place, *rest)])
        case ast.Constant() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            try:
                return written(ast.literal_eval(node))
            except (ValueError, TypeError) as error:
                raise UnknownError from error
    raise UnknownError


def _spread(node: ast.expr, names: Mapping[str, str]) -> list[object]:
    """The values that an element of a list or tuple stands for."""
    if isinstance(node, ast.Starred):
        return list(elements_of(known(moved(node.value, names))))
    return [known(moved(node, names))]


def elements_of(value: object) -> Sequence[object]:
    """What a loop takes of a value, in its order; a set is written in the order of its loops."""
    if isinstance(value, str | list | tuple):
        return value
    if isinstance(value, dict | set | frozenset):
        return list(value)
    raise UnknownError


def _dict(node: ast.Dict, names: Mapping[str, str]) -> str:
    found: dict[object, object] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        one = known(moved(value, names))
        if key is not None:
            found |= _pair(known(moved(key, names)), one)
        elif isinstance(one, dict):
            found |= one
        else:
            raise UnknownError
    return written(found)


def _pair(key: object, value: object) -> dict[object, object]:
    try:
        return {key: value}
    except TypeError as error:  # a key that cannot be one
        raise UnknownError from error


def _said(node: ast.expr, names: Mapping[str, str]) -> str:
    """What a piece of an f-string says."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.FormattedValue(value=inner, conversion=-1 | 114 | 115 as how, format_spec=None):
            value = known(moved(inner, names))
            if not isinstance(value, bytes):  # a warning under -b
                return repr(value) if how == ord("r") else str(value)
    raise UnknownError


def _place(node: ast.expr, names: Mapping[str, str]) -> object:
    if not isinstance(node, ast.Slice):
        return known(moved(node, names))
    ends = (node.lower, node.upper, node.step)
    return slice(*(None if one is None else known(moved(one, names)) for one in ends))


def _part(value: object, place: Any) -> str:
    if not isinstance(value, str | list | tuple | dict):
        raise UnknownError
    try:
        return written(value[place])
    except (LookupError, TypeError, ValueError) as error:  # it raises, and how is computed
        raise UnknownError from error


def _got(value: object, given: list[Any]) -> str:
    if not isinstance(value, dict) or len(given) > 2:
        raise UnknownError
    try:
        return written(value.get(*given))
    except TypeError as error:
        raise UnknownError from error


def bound(target: ast.expr, value: object) -> dict[str, str]:
    """Names of a target with the texts that they get; raises UnknownError.

    Those that get something `UNSEEN` are left out.
    """
    if value is UNSEEN:
        return {}
    match target:
        case ast.Name(id=name):
            return {name: written(value)}
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            if not isinstance(value, list | tuple | str):
                raise UnknownError
            found: dict[str, str] = {}
            for part, one in zip(parts, _dealt(parts, value), strict=True):
                found |= bound(part.value if isinstance(part, ast.Starred) else part, one)
            return found
    raise UnknownError


def _dealt(parts: list[ast.expr], value: Sequence[object]) -> list[object]:
    """One value for each part of a target; a starred one gets a list of the rest."""
    stars = [place for place, part in enumerate(parts) if isinstance(part, ast.Starred)]
    short = len(value) - len(parts)
    if not stars and short == 0:
        return list(value)
    if len(stars) != 1 or short < -1:
        raise UnknownError
    first, after = stars[0], stars[0] + short + 1
    return [*value[:first], list(value[first:after]), *value[after:]]
