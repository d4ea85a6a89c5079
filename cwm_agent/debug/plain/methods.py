"""Methods of plain values that change nothing."""

from __future__ import annotations

from typing import Any

from cwm_agent.debug.plain.limits import LARGEST, UnknownError, act, is_plain, listed

_STR = {
    *{"count", "index", "rindex", "find", "rfind", "split", "rsplit", "splitlines", "strip"},
    *{"lstrip", "rstrip", "lower", "upper", "title", "capitalize", "swapcase", "casefold"},
    *{"startswith", "endswith", "replace", "join", "partition", "rpartition", "isdigit"},
    *{"isalpha", "isalnum", "isspace", "isupper", "islower", "istitle", "isdecimal"},
    *{"isnumeric", "isidentifier", "isascii", "isprintable", "removeprefix", "removesuffix"},
    *{"zfill", "center", "ljust", "rjust"},
}
_SET = {
    *{"union", "intersection", "difference", "symmetric_difference", "issubset", "issuperset"},
    *{"isdisjoint", "copy"},
}
_PURE: dict[type, set[str]] = {
    str: _STR,
    list: {"count", "index", "copy"},
    tuple: {"count", "index"},
    dict: {"get", "keys", "values", "items", "copy"},
    set: _SET,
    frozenset: _SET,
    int: {"bit_length", "bit_count"},
    bool: {"bit_length", "bit_count"},
    float: {"is_integer"},
    type(None): set(),
}
_PADDING = {"zfill", "center", "ljust", "rjust"}


def has(value: Any, name: str) -> bool:
    """Whether such a method is computed here; raises RaisedError where there is no such thing."""
    if type(value) not in _PURE:
        raise UnknownError("methods of such a value are not computed")
    act(lambda: getattr(value, name) and None)
    return name in _PURE[type(value)]


def pure(value: Any, name: str, given: list[Any], named: dict[str, Any]) -> Any:
    """The result of a method that changes nothing; raises RaisedError or UnknownError."""
    if not has(value, name):
        raise UnknownError(f"the method '{name}' is not computed")
    if name in _PADDING and any(isinstance(one, int) and one > LARGEST for one in given):
        raise UnknownError("the value would be too large")
    return act(getattr(value, name), *(_argument(value, name, one) for one in given), **named)


def _argument(value: Any, name: str, one: Any) -> Any:
    """What a method gets; what it goes through is counted first."""
    if name == "join":
        if not hasattr(one, "__iter__"):
            raise UnknownError("join says it in its own words")
        return one if isinstance(one, dict) else listed(one)
    if isinstance(value, set | frozenset):
        return one if isinstance(one, set | frozenset | dict) else listed(one)
    if not is_plain(one):
        raise UnknownError("such an argument is not computed with")
    return one
