"""Checked access to the values of a configuration file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.errors import CheckpointError, ConfigError


def read_object(path: Path, *, needed: str) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint; `needed` says what its folder must hold.

    Raises CheckpointError (file) or ConfigError (no object).
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; {needed}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"cannot read {path}: {error}; download the file again") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds no JSON object; download the file again")
    return raw


class Fields:
    """A JSON object whose values are checked when they are taken.

    A null counts as absent, as in Hugging Face files. Every check raises
    ConfigError with the key, its value and what was expected.
    """

    def __init__(self, values: Mapping[str, object], source: str) -> None:
        self._values = {key: value for key, value in values.items() if value is not None}
        self._source = source

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> object:
        return self._values[key]

    def wrong(self, key: str, expected: str) -> ConfigError:
        """The error for a value that is not what was expected."""
        return ConfigError(
            f"{self._source}: {key} is {self._values.get(key)!r}; expected {expected}"
        )

    def missing(self, key: str, expected: str) -> ConfigError:
        """The error for an absent key."""
        return ConfigError(f"{self._source}: {key} is missing; expected {expected}")

    def section(self, key: str) -> Fields:
        """A nested object; an absent one is empty."""
        value = self._values.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, "an object")
        return Fields(value, f"{self._source}: {key}")

    def number(self, key: str, *, default: float | None = None) -> float:
        """A finite number."""
        value = self._take(key, default, "a number")
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise self.wrong(key, "a finite number")
        return float(value)

    def positive(self, key: str, *, default: float | None = None) -> float:
        """A finite number above zero."""
        value = self.number(key, default=default)
        if value <= 0:
            raise self.wrong(key, "a number above 0")
        return value

    def count(self, key: str, *, default: int | None = None) -> int:
        """A whole number of at least one."""
        value = self._take(key, default, "a whole number of at least 1")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.wrong(key, "a whole number of at least 1")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def choice(self, key: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        """One of the texts in `allowed`."""
        expected = " or ".join(repr(text) for text in allowed)
        value = self._take(key, default, expected)
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, expected)
        return value

    def token_ids(self, key: str, vocabulary: int) -> tuple[int, ...]:
        """One token id or a list of them; an absent key is an empty tuple."""
        value = self._values.get(key, [])
        ids = value if isinstance(value, list) else [value]
        for token in ids:
            if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < vocabulary:
                raise self.wrong(key, f"token ids from 0 to {vocabulary - 1}")
        return tuple(ids)

    def _take(self, key: str, default: object, expected: str) -> object:
        value = self._values.get(key, default)
        if value is None:
            raise self.missing(key, expected)
        return value
