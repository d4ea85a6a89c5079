"""How sure the model was of each part of a frame, from the log-probabilities of its tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

_STRING = r'"(?:[^"\\]|\\.)*"'
_PAIR = re.compile(rf"({_STRING})\s*:\s*({_STRING}|[^,}}]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Piece:
    """One token: its text and its log-probability (None: it was not sampled)."""

    text: str
    logprob: float | None


@dataclass(frozen=True, slots=True)
class Confidence:
    """Least probability of a token (0 to 1) of event, line, value and each variable.

    1 where all of it was certain. `removed` is the largest probability mass that
    the constraint took away at one token: the model wanted something illegal.
    """

    event: float = 1.0
    line: float = 1.0
    value: float = 1.0
    variables: dict[str, float] = field(default_factory=dict)
    removed: float = 0.0

    @property
    def least(self) -> float:
        """Of all parts."""
        return min([self.event, self.line, self.value, *self.variables.values()])


def least(pieces: Sequence[Piece]) -> float:
    """The least probability of some tokens."""
    return min([1.0, *(math.exp(one.logprob) for one in pieces if one.logprob is not None)])


def of_variables(pieces: Sequence[Piece]) -> dict[str, float]:
    """The least probability within each value of a JSON object."""
    text = "".join(piece.text for piece in pieces)
    ends, at = [], 0
    for piece in pieces:
        ends.append((at, at + len(piece.text), piece))
        at += len(piece.text)
    found = {}
    for match in _PAIR.finditer(text):
        start, end = match.span(2)
        inside = [piece for low, high, piece in ends if low < end and high > start]
        found[match[1][1:-1]] = least(inside)
    return found
