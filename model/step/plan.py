"""What one step of the engine does, as plain data: it can be tested, logged and broadcast."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from model.kvcache.blocks import Move


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Pages of one sequence in one layer group; `pages[i]` holds block `first + i`."""

    first: int
    pages: array[int]


@dataclass(frozen=True, slots=True)
class Row:
    """A run of new tokens of one sequence: a decode token, a draft to verify, a prefill chunk.

    `tokens` stand at positions start, start + 1, ...; logits are wanted for the
    last `logits` of them. `spans` has one entry per layer group and covers all
    positions that these tokens see, their own included.
    """

    sequence: int
    start: int
    tokens: tuple[int, ...]
    logits: int
    spans: tuple[PageSpan, ...]


@dataclass(frozen=True, slots=True)
class StepPlan:
    """Moves to carry out in order, then rows to run together.

    `recorded`: on the recorded step of their number (see `model.runner.decoder`). The
    first rank of a tensor-parallel group decides it for all of them.
    """

    moves: tuple[Move, ...]
    rows: tuple[Row, ...]
    recorded: bool = False

    @property
    def tokens(self) -> int:
        """How many tokens the step runs."""
        return sum(len(row.tokens) for row in self.rows)
