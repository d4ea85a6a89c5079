"""Sampling for a row, and what becomes of its tokens: drafts that were right, thoughts that end."""

from __future__ import annotations

from collections.abc import Sequence as Several
from dataclasses import dataclass

import torch
from torch import Tensor

from model.engine.generation import GenerationState
from model.engine.sequence import Sequence
from model.errors import EngineError, ModelError, NumericsError
from model.stats import EngineCounters
from model.step.plan import Row
from model.step.sampler import NOT_FINITE, Draw, Sampler


@dataclass(frozen=True, slots=True)
class Fault:
    """A mask or bias failed for the token after `place` right drafts; an error once it is due."""

    place: int
    error: ModelError


@dataclass(frozen=True, slots=True)
class Drawing:
    """A row that is sampled, its part of the step's logits, and what its mask or bias did wrong."""

    row: Row
    part: slice
    fault: Fault | None


def draws_of(
    row: Row, progress: GenerationState, known: int, vocabulary: int
) -> tuple[list[Draw], Fault | None]:
    """How each of a row's logits is sampled, where `known` ids come before the first token.

    Mask and bias are not asked for what comes after a draft that the mask forbids,
    nor after one has failed: such draws are of no account.
    """
    drafted = row.tokens[len(row.tokens) - row.logits + 1 :]
    draws: list[Draw] = []
    fault = None
    asking = True
    for i in range(row.logits):
        allowed = bias = None
        try:
            if asking:
                allowed = progress.allowed(drafted[:i], vocabulary)
                bias = progress.bias(drafted[:i], allowed, vocabulary)
        except ModelError as error:
            fault, asking = Fault(i, error), False
        draws.append(progress.draw(known + i, allowed, bias))
        if allowed is not None and i < len(drafted) and not allowed[drafted[i]]:
            asking = False
    return draws, fault


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


def device_failure(error: Exception) -> Exception:
    """What everybody hears when a step failed."""
    if isinstance(error, ModelError):
        return error
    heard = EngineError(
        f"the engine's device failed: {type(error).__name__}: {error}; start a new engine"
    )
    heard.__cause__ = error
    return heard


def accept_tokens(
    sequence: Sequence,
    progress: GenerationState,
    row: Row,
    logits: Tensor,
    sampled: list[int],
    context: int,
    fault: Fault | None = None,
) -> int:
    """Append sampled tokens as long as the draft before each was right.

    `sampled[i]` comes from logits[i], the logits after the i-th of the row's
    last `row.logits` tokens; logits (row.logits, vocabulary). Returns how many
    of the row's tokens are part of the sequence and so have valid keys and
    values; the last token of the sequence never is one of them. Raises the
    error of `fault` when its token is due, and CallbackError.
    """
    drafted = row.tokens[len(row.tokens) - row.logits + 1 :]
    before = len(sequence.ids)
    for i, token in enumerate(sampled):
        if progress.closes_thinking(logits[i]):
            assert progress.request.think_budget is not None
            progress.force(sequence.ids, progress.request.think_budget.close_ids, context)
            break
        if fault is not None and fault.place == i:
            raise fault.error
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


def count_row(
    sequence: Sequence, row: Row, progress: GenerationState | None, stats: EngineCounters
) -> None:
    """What a row has cost its sequence, its answer if it is sampling, and the engine."""
    counters = sequence.counters
    counters.steps += 1
    prompt = len(sequence.ids) if progress is None else progress.prompt_tokens
    as_input = max(0, min(row.start + len(row.tokens), prompt) - row.start)
    counters.prefilled += as_input
    stats.prefilled += as_input
    if progress is not None:
        progress.prefilled += as_input
    end = row.start + len(row.tokens) - max(0, row.logits - 1)  # drafts may yet be wrong
    counters.recomputed += max(0, min(end, sequence.computed_once) - row.start)
    sequence.computed_once = max(sequence.computed_once, end)


def _learn(sequence: Sequence, drafted: int, right: int, length: int) -> None:
    sequence.counters.drafted += drafted
    sequence.counters.accepted += right
    if drafted and sequence.draft is not None:
        sequence.draft.learn(length, drafted, right)
