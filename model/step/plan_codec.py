"""Step plans as one flat run of int32, for the ranks of a tensor-parallel group.

Layout: the number of moves, of rows, of layer groups, whether it is recorded;
four numbers a move (group, kind, source, target); for each row its sequence,
start, count of tokens, count of logits, then for each group the first block
and the count of pages; at last the tokens and pages of all rows in that order.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice

from model.kvcache.blocks import Move, MoveKind
from model.step.plan import PageSpan, Row, StepPlan

_HEAD = 4
_KINDS: tuple[MoveKind, ...] = ("copy", "out", "in")


def encode_plan(plan: StepPlan) -> array[int]:
    """The plan in numbers. Raises OverflowError for one that is not below 2**31."""
    groups = len(plan.rows[0].spans) if plan.rows else 0
    numbers = array("i", (len(plan.moves), len(plan.rows), groups, plan.recorded))
    for move in plan.moves:
        numbers.extend((move.group, _KINDS.index(move.kind), move.source, move.target))
    for row in plan.rows:
        numbers.extend((row.sequence, row.start, len(row.tokens), row.logits))
        for span in row.spans:
            numbers.extend((span.first, len(span.pages)))
    for row in plan.rows:
        numbers.extend(row.tokens)
        for span in row.spans:
            numbers.extend(span.pages)
    return numbers


def decode_plan(numbers: array[int]) -> StepPlan:
    """The plan that `encode_plan` wrote."""
    moves, rows, groups, recorded = numbers[:_HEAD]
    heads_at = _HEAD + 4 * moves
    tails_at = heads_at + rows * (4 + 2 * groups)
    heads = iter(numbers[heads_at:tails_at])
    read = [list(islice(heads, 4 + 2 * groups)) for _ in range(rows)]
    steps = iter(numbers[_HEAD:heads_at])
    tail = _Tail(numbers, tails_at)
    return StepPlan(
        tuple(_move(steps) for _ in range(moves)),
        tuple(_row(head, tail) for head in read),
        bool(recorded),
    )


class _Tail:
    """Takes one run of numbers after another."""

    def __init__(self, numbers: array[int], position: int) -> None:
        self._numbers = numbers
        self._position = position

    def take(self, count: int) -> array[int]:
        begin, self._position = self._position, self._position + count
        return self._numbers[begin : self._position]


def _move(numbers: Iterator[int]) -> Move:
    group, kind, source, target = islice(numbers, 4)
    return Move(group, _KINDS[kind], source, target)


def _row(head: list[int], tail: _Tail) -> Row:
    sequence, start, tokens, logits, *spans = head
    return Row(
        sequence,
        start,
        tuple(tail.take(tokens)),
        logits,
        tuple(
            PageSpan(first, tail.take(pages))
            for first, pages in zip(spans[::2], spans[1::2], strict=True)
        ),
    )
