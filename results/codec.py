"""Records to plain JSON values and back, strictly.

Decoding accepts exactly the documented shape: an unknown key, a missing key
or a value of another type is an error that names the place. Strings pass
through Python's `json` with ASCII escapes, so that even lone surrogates
(undecodable file names in a diff) survive the round trip.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any, Literal, TypeVar

from results.errors import RecordError

T = TypeVar("T")
TOO_DEEP = "values are nested too deeply"


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; raises ValueError, also where Python's own parser gives up."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def encode(value: object) -> Any:
    """`value` as JSON-ready dicts, lists and scalars; dataclass fields keep their names."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        if set(map(type, value)) <= {int}:  # token ids: by far the longest lists
            return list(value)
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return value


def decode(kind: type[T], value: object, where: str = "") -> T:
    """The record of class `kind` held by `value`; raises RecordError naming the place."""
    return typing.cast(T, _decode(kind, value, where or kind.__name__))


def _decode(kind: Any, value: object, where: str) -> object:
    if dataclasses.is_dataclass(kind):
        return _decode_record(typing.cast("type[Any]", kind), value, where)
    if kind is Any or kind is object:
        return value
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _decode_optional(arguments, value, where)
    if origin is Literal:
        _require(value in arguments, where, f"one of {', '.join(map(repr, arguments))}", value)
        return value
    if origin is tuple:
        _require(isinstance(value, list), where, "a list", value)
        items = typing.cast("list[object]", value)
        if arguments[0] is int and set(map(type, items)) <= {int}:
            return tuple(items)
        return tuple(_decode(arguments[0], x, f"{where}[{i}]") for i, x in enumerate(items))
    if origin is dict:
        _require(isinstance(value, dict), where, "an object", value)
        table = typing.cast("dict[str, object]", value)
        return {key: _decode(arguments[1], x, f"{where}.{key}") for key, x in table.items()}
    return _decode_scalar(kind, value, where)


def _decode_record(kind: type[Any], value: object, where: str) -> object:
    _require(isinstance(value, dict), where, "an object", value)
    table = typing.cast("dict[str, object]", value)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if unknown := sorted(table.keys() - fields.keys()):
        raise RecordError(f"{where} has unknown keys {unknown}; known are {sorted(fields)}")
    required = {
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    if missing := sorted(required - table.keys()):
        raise RecordError(f"{where} lacks the keys {missing}")
    hints = _hints(typing.cast(Hashable, kind))
    return kind(**{key: _decode(hints[key], x, f"{where}.{key}") for key, x in table.items()})


def _decode_optional(arguments: tuple[Any, ...], value: object, where: str) -> object:
    if value is None and type(None) in arguments:
        return None
    (kind,) = (argument for argument in arguments if argument is not type(None))
    return _decode(kind, value, where)


def _decode_scalar(kind: type[Any], value: object, where: str) -> object:
    if kind is float and type(value) is int:
        return float(value)
    _require(type(value) is kind, where, f"of type {kind.__name__}", value)
    return value


def _require(condition: bool, where: str, expected: str, value: object) -> None:
    if not condition:
        shown = repr(value)
        raise RecordError(f"{where} must be {expected}, not {shown[:80]}")


@lru_cache(maxsize=64)
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)
