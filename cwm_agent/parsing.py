"""Files that a user writes: whatever is wrong with their text is one ValueError in one line."""

from __future__ import annotations

import tomllib

from results.codec import TOO_DEEP, parse_json

__all__ = ["parse_json", "parse_toml", "parse_yaml"]


def parse_toml(text: str) -> dict[str, object]:
    """The table of a TOML document; raises ValueError."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error


def parse_yaml(text: str) -> object:
    """The value of a YAML document; raises ValueError, also for an impossible date or number."""
    import yaml

    try:
        value: object = yaml.safe_load(text)
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise ValueError(" ".join(str(error).split())) from error
    return value
