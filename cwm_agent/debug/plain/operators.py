"""Operators of Python, refused where their result would be too large."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

from cwm_agent.debug.plain.limits import BITS, LARGEST, UnknownError, act, is_plain

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_SEQUENCES = (str, bytes, list, tuple)
_NOTHING: dict[str, str] = {}
_VIEWS = (type(_NOTHING.keys()), type(_NOTHING.values()), type(_NOTHING.items()))


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """`left op right`; raises RaisedError or UnknownError."""
    way = _BINARY.get(type(op))
    if way is None or not all(is_plain(one) or type(one) in _VIEWS for one in (left, right)):
        raise UnknownError("that operator is not computed with such values")
    _check_size(op, left, right)
    return act(way, left, right)


def _check_size(op: ast.operator, left: Any, right: Any) -> None:
    """Raise UnknownError for what must not even be tried."""
    match op:
        case ast.Mult():
            for one, times in ((left, right), (right, left)):
                if isinstance(one, _SEQUENCES) and isinstance(times, int):
                    _refuse(len(one) * times > LARGEST)
        case ast.Pow():
            _refuse(isinstance(left, float | complex) or isinstance(right, float | complex))
            if isinstance(left, int) and isinstance(right, int):
                _refuse(right < 0 or max(1, left.bit_length()) * right > BITS)
        case ast.LShift():
            if isinstance(left, int) and isinstance(right, int):
                _refuse(left.bit_length() + right > BITS)
        case ast.Mod():
            if isinstance(left, str | bytes):
                text = left if isinstance(left, str) else left.decode("latin-1")
                _refuse(re.search(r"\*|\d{3}", text) is not None)


def _refuse(too_large: bool) -> None:
    if too_large:
        raise UnknownError("the value would be too large, or is not the same on every machine")


def unary(op: ast.unaryop, value: Any) -> Any:
    """`op value`."""
    if not is_plain(value) and not isinstance(op, ast.Not):
        raise UnknownError("that operator is not computed with such values")
    return act(_UNARY[type(op)], value)


def compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    """`left op right`; identity is known of None and the truth values only."""
    if isinstance(op, ast.Is | ast.IsNot):
        single = (None, True, False)
        if not any(one is two for one in (left, right) for two in single):
            raise UnknownError("whether values are the same thing is not known")
        return (left is right) == isinstance(op, ast.Is)
    if callable(left) or callable(right):
        raise UnknownError("functions are not compared")
    if isinstance(op, ast.In | ast.NotIn) and isinstance(right, range):
        _refuse(not isinstance(left, int) and len(right) > LARGEST)
    return act(_COMPARE[type(op)], left, right)
