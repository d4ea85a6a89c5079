"""Biases on logits: fixed ones, and penalties for what was said before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cwm_agent.server.engine.messages import Drawing


def bias_of(drawing: Drawing) -> Callable[[Sequence[int]], Mapping[int, float]] | None:
    """A `model.engine.generation.TokenBias`; None where nothing is biased."""
    if not (drawing.bias or drawing.presence or drawing.frequency):
        return None
    return partial(_biased, drawing)


def _biased(drawing: Drawing, ids: Sequence[int]) -> Mapping[int, float]:
    if not (drawing.presence or drawing.frequency):
        return drawing.bias
    found = dict(drawing.bias)
    for token, times in Counter(ids).items():
        penalty = drawing.presence + drawing.frequency * times
        found[token] = found.get(token, 0.0) - penalty
    return found
