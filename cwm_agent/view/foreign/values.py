"""Careful looks into JSON that others wrote: a value of the wrong type counts as missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def text(value: object) -> str:
    """A string, or the text parts of a list of content parts; "" for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        parts = [text(part.get("text", "")) for part in value if isinstance(part, dict)]
        return "\n".join(part for part in parts if part)
    return ""


def table(value: object) -> dict[str, Any]:
    """An object; empty for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def number(value: object) -> float:
    """A number; 0 for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def count(value: object) -> int:
    """A whole number; 0 for anything else."""
    return int(number(value))


def exit_code(value: object) -> int | None:
    """An exit code, None where there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def moment(value: object) -> str:
    """A time in ISO 8601, from that or from seconds since 1970; "" for anything else."""
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return ""
        return value
    if isinstance(value, int | float) and 0 < value < 1e11:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds")
    return ""


def between(first: str, last: str) -> float:
    """Seconds from one time to a later one; 0 where one is missing."""
    if not first or not last:
        return 0.0
    try:
        passed = datetime.fromisoformat(last) - datetime.fromisoformat(first)
    except (ValueError, TypeError):  # one with and one without a zone
        return 0.0
    return max(0.0, passed.total_seconds())


def facts(found: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Scalars of a nested object by dotted name."""
    named: dict[str, str] = {}
    for name, value in found.items():
        if isinstance(value, dict) and len(named) < 400:
            named |= facts(value, f"{prefix}{name}.")
        elif isinstance(value, str | int | float | bool) and len(str(value)) < 2000:
            named[f"{prefix}{name}"] = str(value)
    return named
