"""How large a computed value may be, and what comes of an operation that fails."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

LARGEST = 1_000
"""Elements and characters of all that a value holds."""
BITS = 2_048
"""Of an integer."""
DEPTH = 40
"""Containers within each other."""
_ATOMS = (bool, int, float, complex, str, bytes, type(None))
_MANY = (list, tuple, set, frozenset)
_FAILURES = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, StopIteration)


class UnknownError(Exception):
    """Nothing certain can be said; caught where it is asked."""


class RaisedError(Exception):
    """The expression raises: the exception's name, and what it says."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(kind, said)
        self.text = f"{kind}: {said}" if said else kind


def act(operation: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Its result; raises RaisedError where the program would raise, UnknownError beyond limits."""
    try:
        return weighed(operation(*given, **named))
    except _FAILURES as error:
        raise RaisedError(type(error).__name__, str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise UnknownError("the value is too large") from error


def weighed(value: Any) -> Any:
    """The value; raises UnknownError for one that is too large. Views and iterators pass."""
    _weigh(value, LARGEST, DEPTH)
    return value


def _weigh(value: Any, left: int, depth: int) -> int:
    """What is left of the limit."""
    kind = type(value)
    if kind is int:
        left -= 1 if value.bit_length() <= BITS else LARGEST + 1
    elif kind is str or kind is bytes:
        left -= 1 + len(value)
    elif kind in _ATOMS:
        left -= 1
    elif kind in _MANY or kind is dict:
        left -= 1 + len(value)
        if left < 0 or not depth:
            raise UnknownError("the value is too large")
        for one in value:
            left = _weigh(one, left, depth - 1)
            if kind is dict:
                left = _weigh(value[one], left, depth - 1)
    if left < 0:
        raise UnknownError("the value is too large")
    return left


def is_plain(value: object) -> bool:
    """Whether it is a literal's value, with all that it holds."""
    if type(value) is dict:
        return all(map(is_plain, value)) and all(map(is_plain, value.values()))
    if isinstance(value, _MANY):
        return type(value) in _MANY and all(map(is_plain, value))
    return type(value) in _ATOMS


def is_steady(value: object) -> bool:
    """Whether every process writes it, and goes through it, in the same order.

    A set is in order of its hashes: sure for one element, and for integers below
    the size of the smallest table. Source: Objects/setobject.c of CPython.
    """
    if isinstance(value, set | frozenset):
        return len(value) < 2 or all(type(one) is int and 0 <= one < 8 for one in value)
    if isinstance(value, dict):
        return all(map(is_steady, value)) and all(map(is_steady, value.values()))
    return not isinstance(value, list | tuple) or all(map(is_steady, value))


def listed(value: Any) -> list[Any]:
    """What iterating over it gives; raises RaisedError, or UnknownError for an unsure order."""
    if isinstance(value, set | frozenset) and not is_steady(value):
        raise UnknownError("the order of a set is not known")
    try:
        found = list(islice(iter(value), LARGEST + 1))
    except _FAILURES as error:
        raise RaisedError(type(error).__name__, str(error)) from error
    if len(found) > LARGEST:
        raise UnknownError("there are too many elements")
    return found
