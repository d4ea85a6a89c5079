"""How long preparations tell the user what they do: one line at a time, through a callback."""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]


def quiet(line: str) -> None:
    """Show nothing."""
