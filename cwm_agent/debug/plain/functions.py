"""Built-in functions of Python for plain values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from cwm_agent.debug.plain.limits import BITS, LARGEST, UnknownError, is_plain, is_steady, listed

_MISSING: Any = object()
_SPEC = re.compile(r"[^{}]?[<>=^]?[-+ ]?#?0?\d{0,2}[,_]?(\.\d{1,2})?[a-zA-Z%]?")
Function = Callable[..., Any]


def formatted(value: Any, spec: str) -> str:
    """As an f-string writes it."""
    if not _SPEC.fullmatch(spec) or isinstance(value, bytes):
        raise UnknownError("that format is not computed")
    return format(_shown(value), spec)


def _shown(value: Any) -> Any:
    """The value, if its text is sure."""
    if not is_plain(value) or not is_steady(value) or isinstance(value, bytes):
        raise UnknownError("how the value is written is not known")
    return value


def _alike(values: Any) -> list[Any]:
    """Elements of which the order does not matter; a set's only if all can be compared."""
    if not isinstance(values, set | frozenset):
        return listed(values)
    if len({int if isinstance(one, int) else type(one) for one in values}) > 1 or not all(
        isinstance(one, int | str) for one in values
    ):
        raise UnknownError("the order of a set is not known")
    return list(values)


def _sorted(values: Any, /, *, key: Function | None = None, reverse: Any = False) -> list[Any]:
    elements = _alike(values) if key is None else listed(values)
    return sorted(elements, key=key, reverse=reverse)


def _extreme(which: Function) -> Function:
    def extreme(*values: Any, key: Function | None = None, default: Any = _MISSING) -> Any:
        given = list(values)
        if len(values) == 1:
            given = [_alike(values[0]) if key is None else listed(values[0])]
        named = {} if default is _MISSING else {"default": default}
        return which(*given, key=key, **named)

    return extreme


def _sum(values: Any, /, start: Any = 0) -> Any:
    elements = list(values) if isinstance(values, set | frozenset) else listed(values)
    if any(isinstance(one, float | complex) for one in (start, *elements)):
        raise UnknownError("versions of Python add floats differently")
    if isinstance(values, set | frozenset) and not all(isinstance(one, int) for one in elements):
        raise UnknownError("the order of a set is not known")
    return sum(elements, start)


def _round(number: Any, ndigits: Any = None) -> Any:
    if isinstance(ndigits, int) and abs(ndigits) > 50:
        raise UnknownError("that is not computed")
    return round(number, ndigits)


def _pow(base: Any, exponent: Any, modulus: Any = None) -> Any:
    if not all(isinstance(one, int) for one in (base, exponent)) or exponent < 0:
        raise UnknownError("that power is not computed")
    if modulus is None and max(1, base.bit_length()) * exponent > BITS:
        raise UnknownError("the value would be too large")
    return pow(base, exponent, modulus)


def _value(value: Any) -> Any:
    """The value, if it is plain: no function, view or iterator."""
    if not is_plain(value):
        raise UnknownError("that is not computed with such a value")
    return value


def _made(kind: Function, argument: Function) -> Function:
    """A type, called with one argument or none."""

    def make(value: Any = _MISSING, /) -> Any:
        return kind() if value is _MISSING else kind(argument(value))

    return make


def _elements(value: Any) -> Any:
    return value if isinstance(value, set | frozenset) else listed(value)


def _dict(pairs: Any = (), /, **named: Any) -> dict[Any, Any]:
    return dict(pairs if isinstance(pairs, dict) else listed(pairs), **named)


def _int(value: Any = 0, /, *base: Any) -> int:
    if len(base) > 1:
        raise UnknownError("int says it in its own words")
    return int(_value(value), *map(_value, base))


def _counted(start: Any, /, *ends: Any) -> range:
    if len(ends) > 2:
        raise UnknownError("range says it in its own words")
    return range(_value(start), *map(_value, ends))


def _zip(*values: Any) -> Any:
    if not all(hasattr(one, "__iter__") for one in values):
        raise UnknownError("zip says it in its own words")
    return zip(*map(listed, values), strict=False)


def _enumerate(values: Any, start: Any = 0) -> Any:
    if not is_steady(values):
        raise UnknownError("the order of a set is not known")
    return enumerate(values, start)


def _reversed(values: Any, /) -> Any:
    if isinstance(values, range) and len(values) > LARGEST:
        raise UnknownError("there are too many elements")
    return reversed(values)


def _map(function: Function, *values: Any) -> Any:
    return map(function, *map(listed, values))


def _filter(function: Function | None, values: Any, /) -> Any:
    return filter(function, listed(values))


def _isinstance(value: Any, kinds: Any, /) -> bool:
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    if not is_plain(value) or not all(callable(one) and one in TYPES for one in wanted):
        raise UnknownError("what that is an instance of is not known")
    return isinstance(value, tuple(TYPES[one] for one in wanted))


FUNCTIONS: dict[str, Function] = {
    "len": len,
    "abs": lambda one, /: abs(_value(one)),
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": _sum,
    "sorted": _sorted,
    "str": _made(str, _shown),
    "repr": lambda one, /: repr(_shown(one)),
    "int": _int,
    "bool": _made(bool, lambda one: one),
    "float": _made(float, _value),
    "list": _made(list, listed),
    "tuple": _made(tuple, listed),
    "set": _made(set, _elements),
    "frozenset": _made(frozenset, _elements),
    "dict": _dict,
    "range": _counted,
    "enumerate": _enumerate,
    "zip": _zip,
    "reversed": _reversed,
    "map": _map,
    "filter": _filter,
    "any": lambda values, /: any(_alike(values) if isinstance(values, set) else values),
    "all": lambda values, /: all(_alike(values) if isinstance(values, set) else values),
    "round": _round,
    "divmod": lambda one, two, /: divmod(_value(one), _value(two)),
    "pow": _pow,
    "ord": lambda one, /: ord(_value(one)),
    "chr": lambda one, /: chr(_value(one)),
    "bin": lambda one, /: bin(_value(one)),
    "hex": lambda one, /: hex(_value(one)),
    "oct": lambda one, /: oct(_value(one)),
    "isinstance": _isinstance,
}
"""Name -> a function that may raise UnknownError, and what the built-in one raises."""
TYPES: dict[Any, type] = {
    FUNCTIONS[one.__name__]: one
    for one in (str, int, bool, float, list, tuple, set, frozenset, dict)
}
"""Of those that are types, which."""
