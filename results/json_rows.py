"""Rows of JSON files as people make them: one a line, a list, or a table; each with its place."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Any

_LINES = "write each row in a line of its own (`jq -c '{}' FILE`), or name the file .json"

_PACKED = {
    "gzip": b"\x1f\x8b",
    "zip": b"PK\x03\x04",
    "zstd": b"\x28\xb5\x2f\xfd",
    "xz": b"\xfd7zXZ",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A value and where it stands, such as `line 3`."""

    value: Any
    place: str


def rows_of_lines(data: bytes, *, errors: str = "strict") -> list[Row]:
    """A value a line; blank lines are passed over.

    Only a line feed ends a line: JSON texts may hold all other separators.
    `errors` is for bytes that are no UTF-8. Raises ValueError that names the
    line, and the remedy where the file is JSON of another shape.
    """
    text = _decoded(data, errors)
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            rows.append(Row(_parsed(line, text, number), f"line {number}"))
    return rows


def rows_of_document(data: bytes, *, errors: str = "strict") -> list[Row] | None:
    """The values of a list, or of a table; None for another document. Raises ValueError."""
    text = _decoded(data, errors)
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise ValueError(f"{error}; a file with a row in each line is named .jsonl") from error
        raise
    if isinstance(document, dict):
        return [Row(value, f"'{name}'") for name, value in document.items()]
    if isinstance(document, list):
        return [Row(value, f"row {number}") for number, value in enumerate(document, 1)]
    return None


def _decoded(data: bytes, errors: str) -> str:
    """Raises ValueError with the remedy for what other programs make of such files."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("it is UTF-16; save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 FILE`)")
    if found := next((name for name, sign in _PACKED.items() if data.startswith(sign)), None):
        raise ValueError(f"it is compressed ({found}); unpack it first")
    return data.decode("utf-8-sig", errors)


def _parsed(line: str, text: str, number: int) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError(f"line {number} is nested too deeply") from None
    except json.JSONDecodeError as error:
        said = f"line {number}: {error.msg} (column {error.colno})"
        hint = ""
        if _over_lines(text):
            rows = ".[]" if text.lstrip().startswith("[") else "."
            hint = f"; it looks like JSON over several lines: {_LINES.format(rows)}"
        raise ValueError(said + hint) from error


def _over_lines(text: str) -> bool:
    """Whether the text begins with a JSON value that its first line does not hold whole."""
    begun = text.lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(begun)
    except (ValueError, RecursionError):
        return False
    return "\n" in begun[:end]
