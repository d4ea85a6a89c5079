"""Solutions with tests, and answers with gold answers: all of our own making."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodePair:
    """A solution and its tests; with a `function` inputs and outputs are JSON."""

    name: str
    code: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    function: str = ""


@dataclass(frozen=True, slots=True)
class MathPair:
    """A gold answer and another; `integer` for those of the AIME."""

    gold: str
    answer: str
    integer: bool = False


def numbered(kind: str, pairs: Iterator[CodePair]) -> Iterator[CodePair]:
    """The pairs with names that say what they are of."""
    for number, pair in enumerate(pairs):
        name = f"{kind} {number}: {pair.name}"
        yield CodePair(name, pair.code, pair.inputs, pair.outputs, pair.function)
