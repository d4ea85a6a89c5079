"""Written values of which it is known what they are: reprs of literals."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache

from cwm_agent.debug.record.tracer import LONGEST
from model.text.traces import UNCHANGED

_ATOMS = (int, float, complex, str, bytes, type(None))


class UnknownError(Exception):
    """Nothing certain can be said; caught where it is asked."""


@lru_cache(4096)
def known(text: str) -> object:
    """The value of a text that is exactly the repr of a literal; raises UnknownError.

    Texts that a recorder may have cut, and what is no literal, are not known.
    """
    if text == UNCHANGED or "..." in text or len(text) >= LONGEST:
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
    """The text of an expression that only moves values: literals, names, lists and tuples of them.

    Nothing is computed: no operator, no call, no comparison. Raises UnknownError.
    """
    match node:
        case ast.Name(id=name):
            if name not in names:
                raise UnknownError
            known(names[name])
            return names[name]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            values = [known(moved(part, names)) for part in parts]
            return written(tuple(values) if isinstance(node, ast.Tuple) else values)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = [
                (known(moved(key, names)), known(moved(value, names)))
                for key, value in zip(keys, values, strict=True)
                if key is not None
            ]
            try:
                return written(dict(pairs))
            except TypeError as error:  # a key that cannot be one
                raise UnknownError from error
        case ast.Constant() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            try:
                return written(ast.literal_eval(node))
            except (ValueError, TypeError) as error:
                raise UnknownError from error
    raise UnknownError


def bound(target: ast.expr, value: object) -> dict[str, str]:
    """Names of a target with the texts that they get; raises UnknownError."""
    match target:
        case ast.Name(id=name):
            return {name: written(value)}
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            if not isinstance(value, list | tuple | str) or len(value) != len(parts):
                raise UnknownError
            found: dict[str, str] = {}
            for part, one in zip(parts, value, strict=True):
                found |= bound(part, one)
            return found
    raise UnknownError
