"""Sampling for a row, and what becomes of its tokens: drafts that were right, thoughts that end."""

from __future__ import annotations

from collections.abc import Sequence as Several

import torch
from torch import Tensor

from model.errors import NumericsError
from model.generation import Progress
from model.plan import Row
from model.sampler import Draw, Sampler
from model.sequence import Sequence

NOT_FINITE = -1  # in the place of a token


def draws_of(row: Row, progress: Progress, known: int) -> list[Draw]:
    """How each of a row's logits is sampled, where `known` ids come before the first token."""
    drafted = row.tokens[len(row.tokens) - row.logits + 1 :]
    return [progress.draw(known + i, drafted[:i]) for i in range(row.logits)]


def sample_finite(logits: Tensor, draws: Several[Draw], sampler: Sampler) -> list[int]:
    """Tokens of all draws, NOT_FINITE where the logits are not; logits (draws, vocabulary)."""
    if not draws:
        return []
    finite = torch.isfinite(logits).all(-1).tolist()
    tokens = sampler(logits, draws)
    return [token if fine else NOT_FINITE for token, fine in zip(tokens, finite, strict=True)]


def not_finite(row: Row) -> NumericsError:
    """What a sequence hears whose logits were not finite."""
    return NumericsError(
        f"the model gave logits that are not finite after position {row.start}; "
        "check the weight files, or load the checkpoint as float32 or bfloat16"
    )


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
