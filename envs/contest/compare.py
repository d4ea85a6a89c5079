"""Whether what a solution gave is what a test wants, by LiveCodeBench's rules.

Facts from `lcb_runner/evaluation/testing_util.py` at commit 28fef95.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation


def same_output(given: str, wanted: str) -> bool:
    """Line by line, blanks around the text and around each line left out.

    Lines are the same when their letters are, or when their words are numbers
    of equal value, exactly: there is no tolerance.
    """
    ours, theirs = _lines(given), _lines(wanted)
    return len(ours) == len(theirs) and all(map(_same_line, ours, theirs))


def same_value(given: object, wanted: str) -> bool:
    """Whether a returned value, as the solution's process sent it, equals the JSON of a test."""
    try:
        # A NaN of its own: the package's is one object, and a list finds it equal to itself.
        return bool(_value(given) == json.loads(wanted, parse_constant=float))
    except (ValueError, RecursionError):
        return False


class _Nothing:
    """Equal to no value of JSON."""


def _value(given: object) -> object:
    """The value of `plain` in envs/scripts/contest_solution.py."""
    if isinstance(given, list):
        return [_value(item) for item in given]
    if not isinstance(given, dict):
        return given
    match given:
        case {"int": str(digits)}:
            return int(digits, 16)
        case {"tuple": list(items)}:
            return tuple(_value(item) for item in items)
        case {"dict": list(pairs)}:
            try:
                return {_value(key): _value(item) for key, item in pairs}
            except (TypeError, ValueError):
                return _Nothing()
    return _Nothing()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().split("\n")]


def _same_line(given: str, wanted: str) -> bool:
    if given == wanted:
        return True
    try:
        ours, theirs = ([Decimal(word) for word in line.split()] for line in (given, wanted))
        return ours == theirs
    except InvalidOperation:
        return False
