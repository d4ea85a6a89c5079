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
PURE: dict[type, set[str]] = {
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
CHANGING: dict[type, set[str]] = {
    list: {"append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse"},
    dict: {"update", "setdefault", "pop", "popitem", "clear"},
    set: {"add", "update"},
}
_PADDING = {"zfill", "center", "ljust", "rjust"}


def has(value: Any, name: str) -> bool:
    """Whether such a method is computed here; raises RaisedError where there is no such thing."""
    if type(value) not in PURE:
        raise UnknownError("methods of such a value are not computed")
    act(lambda: getattr(value, name) and None)
    return name in PURE[type(value)]


def pure(value: Any, name: str, given: list[Any], named: dict[str, Any]) -> Any:
    """The result of a method that changes nothing; raises RaisedError or UnknownError."""
    if not has(value, name):
        raise UnknownError(f"the method '{name}' is not computed")
    if name in _PADDING and any(isinstance(one, int) and one > LARGEST for one in given):
        raise UnknownError("the value would be too large")
    return act(getattr(value, name), *(_argument(value, name, one) for one in given), **named)


def change(value: Any, name: str, given: list[Any], named: dict[str, Any]) -> Any:
    """Change a list, dict or set in its place; the result of the method."""
    if name not in CHANGING.get(type(value), ()):
        raise UnknownError(f"the method '{name}' is not computed")
    found = act(getattr(value, name), *(_argument(value, name, one) for one in given), **named)
    act(lambda: value)  # it may have grown too large
    return found


def _argument(value: Any, name: str, one: Any) -> Any:
    """What a method gets; what it goes through is counted first."""
    if name == "join" and not hasattr(one, "__iter__"):
        raise UnknownError("join says it in its own words")
    if name in ("join", "extend") or (name == "update" and isinstance(value, dict)):
        return one if isinstance(one, dict) else listed(one)
    if isinstance(value, set | frozenset) and name != "add":
        return one if isinstance(one, set | frozenset | dict) else listed(one)
    if not is_plain(one):
        raise UnknownError("such an argument is not computed with")
    return one
