"""Traffic as agents make it: long conversations, long inputs, short answers, pauses for tools.

Shaped like published traces of coding agents (a median of 43 turns, inputs far
longer than outputs, tools that take from moments to seconds), scaled down to
what nano can hold.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

_TEXT = """def return value assert test import self path line error calc.py result if else for in
0 1 ( ) : + =="""
_WORDS = _TEXT.split()


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation: what opens it, what the tools say, and how long each takes (seconds)."""

    system: str
    opening: str
    results: tuple[str, ...]
    pauses: tuple[float, ...]


def agent_sessions(count: int, turns: int, *, seed: int = 0) -> list[Session]:
    """Conversations of `turns` turns; all have the same system prompt."""
    draw = random.Random(seed)
    system = _text(draw, 80)
    return [
        Session(
            system=system,
            opening=_text(draw, 150),
            results=tuple(_text(draw, draw.randint(15, 45)) for _ in range(turns - 1)),
            pauses=tuple(min(1.0, draw.lognormvariate(-2.5, 1.0)) for _ in range(turns - 1)),
        )
        for _ in range(count)
    ]


def _text(draw: random.Random, words: int) -> str:
    return " ".join(draw.choices(_WORDS, k=words))
