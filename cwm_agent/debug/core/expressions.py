"""Expressions over predicted variables: literals are computed with, other values are not known.

Values come from a model and expressions from a person; neither is ever executed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cwm_agent.errors import UsageError

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
_UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_CALLS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (len, abs, min, max, sum, sorted, str, int, bool, list, tuple, set, type, repr)
}
_LARGEST = 10_000
"""Elements of a value that is computed; a person's slip must not fill the memory."""


class UnknownValueError(UsageError):
    """The expression needs a value that is not known."""


def evaluate(expression: str, variables: Mapping[str, str]) -> object:
    """The value of an expression over written values; raises UsageError or UnknownValueError."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"'{expression}' is no expression: {error}") from error
    try:
        return _value(tree.body, variables)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{type(error).__name__}: {error}") from error


def written(expression: str, variables: Mapping[str, str]) -> str:
    """The value as text; a plain variable is shown as it was predicted, whatever it is."""
    name = expression.strip()
    return variables[name] if name in variables else repr(evaluate(name, variables))


def literal(text: str) -> object:
    """A written value; raises UnknownValueError for what is no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise UnknownValueError(f"{text} is no literal, so nothing is computed with it") from error


def _value(node: ast.expr, names: Mapping[str, str]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.Name(id=name) if name in names:
            return literal(names[name])
        case ast.Name(id=name):
            raise UnknownValueError(f"name '{name}' is not defined here")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _small(_BINARY[type(op)], _value(left, names), _value(right, names))
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, names))
        case ast.BoolOp(op=op, values=values):
            found: Any = None
            for one in values:
                found = _value(one, names)
                if bool(found) == isinstance(op, ast.Or):
                    return found
            return found
        case ast.Compare(left=left, ops=ops, comparators=others):
            before = _value(left, names)
            for comparison, other in zip(ops, others, strict=True):
                after = _value(other, names)
                if not _BINARY[type(comparison)](before, after):
                    return False
                before = after
            return True
        case ast.Subscript(value=value, slice=ast.Slice() as part):
            ends = (part.lower, part.upper, part.step)
            bounds = slice(*(None if end is None else _value(end, names) for end in ends))
            return _value(value, names)[bounds]
        case ast.Subscript(value=value, slice=index):
            return _value(value, names)[_value(index, names)]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            many = [_value(part, names) for part in parts]
            return tuple(many) if isinstance(node, ast.Tuple) else many
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name in _CALLS:
            return _CALLS[name](*(_value(one, names) for one in given))
    raise UsageError(
        f"'{ast.unparse(node)}' cannot be computed from predicted values; use literals, "
        f"variables, operators, and {', '.join(_CALLS)}"
    )


def _small(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    if operation is operator.mul and any(
        isinstance(one, str | list | tuple) for one in (left, right)
    ):
        many = left if isinstance(left, int) else right
        text = right if isinstance(left, int) else left
        if isinstance(many, int) and many * len(text) > _LARGEST:
            raise UsageError(f"the value would have more than {_LARGEST} elements")
    return operation(left, right)
