"""Words beside numbers."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """Such as "1 patch", "2 patches"; `plural` where an "s" does not make it."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
