"""Biases on logits: fixed ones, and penalties for what was said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from cwm_agent.server.engine.messages import Drawing


def bias_of(drawing: Drawing) -> Callable[[Sequence[int]], Mapping[int, float]] | None:
    """A `model.engine.generation.TokenBias`; None where nothing is biased."""
    if not (drawing.bias or drawing.presence or drawing.frequency):
        return None
    if not (drawing.presence or drawing.frequency):
        fixed = dict(drawing.bias)
        return lambda ids: fixed
    return lambda ids: _with_penalties(drawing, ids)


def _with_penalties(drawing: Drawing, ids: Sequence[int]) -> Mapping[int, float]:
    found = dict(drawing.bias)
    for token, times in Counter(ids).items():
        penalty = drawing.presence + drawing.frequency * times
        found[token] = found.get(token, 0.0) - penalty
    return found
