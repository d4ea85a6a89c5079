"""Paths as a user writes them."""

from __future__ import annotations

from pathlib import Path

from cwm_agent.errors import UsageError


def expand(text: str) -> Path:
    """The path with a leading `~` or `~user` resolved; raises UsageError where nobody is that."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UsageError(f"{text!r} names an unknown home folder; write the full path") from error
