"""What becomes of the tokens sampled for one row: which drafts were right, when thinking ends."""

from __future__ import annotations

from torch import Tensor

from model.generation import Progress
from model.plan import Row
from model.sequence import Sequence


def accept_tokens(
    sequence: Sequence,
    progress: Progress,
    row: Row,
    logits: Tensor,
    sampled: list[int],
    context: int,
) -> int:
    """Append sampled tokens as long as the draft before each was right.

    `sampled[i]` comes from logits[i], the logits after the i-th of the row's
    last `row.logits` tokens; logits (row.logits, vocabulary). Returns how many
    of the row's tokens are part of the sequence and so have valid keys and
    values; the last token of the sequence never is one of them.
    """
    drafted = row.tokens[len(row.tokens) - row.logits + 1 :]
    before = len(sequence.ids)
    for i, token in enumerate(sampled):
        if progress.closes_thinking(logits[i]):
            _force_close(sequence, progress, context)
            break
        progress.push(sequence.ids, token, logits[i], context)
        sequence.counters.decoded += 1
        if progress.finish is not None or i >= len(drafted) or token != drafted[i]:
            break
    sequence.room = progress.room
    right = 0
    for draft, token in zip(drafted, sequence.ids[before:-1], strict=False):
        if draft != token:
            break
        right += 1
    _learn(sequence, len(drafted), right, before)
    return len(row.tokens) - row.logits + 1 + right


def _force_close(sequence: Sequence, progress: Progress, context: int) -> None:
    budget = progress.request.think_budget
    assert budget is not None
    for token in budget.close_ids:
        if progress.finish is None:
            progress.push(sequence.ids, token, None, context)


def _learn(sequence: Sequence, drafted: int, right: int, length: int) -> None:
    sequence.counters.drafted += drafted
    sequence.counters.accepted += right
    if drafted and sequence.draft is not None:
        sequence.draft.learn(length, drafted, right)
