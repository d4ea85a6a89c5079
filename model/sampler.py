"""Choosing the next token from logits.

The noise of a draw depends on nothing but (seed, position, token id), so that a
continued, resumed or differently scheduled conversation draws the same tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from model.errors import NumericsError, SamplingError


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw: `temperature` 0 takes the most likely token, `top_p` keeps a nucleus.

    Raises SamplingError for values out of range or in conflict.
    """

    temperature: float
    top_p: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise SamplingError(
                f"temperature is {self.temperature}; expected a number of 0 or more"
            )
        if not 0 < self.top_p <= 1:
            raise SamplingError(f"top_p is {self.top_p}; expected more than 0 and at most 1")
        if self.temperature == 0 and self.top_p < 1:
            raise SamplingError(
                f"top_p {self.top_p} has no meaning at temperature 0 (greedy); "
                "leave top_p at 1 or raise the temperature"
            )


GREEDY = Sampling(temperature=0.0, top_p=1.0)
PUBLISHED = Sampling(temperature=1.0, top_p=0.95)  # of all published CWM evaluations


def choose(logits: Tensor, sampling: Sampling, *, seed: int, position: int) -> int:
    """The token at `position` of the context, from logits (vocabulary,) in fp32.

    Sampling is the Gumbel-max draw: argmax of scaled logits plus noise is a
    draw from their softmax. Raises NumericsError for logits that are not finite.
    """
    if not bool(torch.isfinite(logits).all()):
        raise NumericsError(
            f"the model gave logits that are not finite at position {position}; check the "
            "weight files, or load the checkpoint with dtype float32 or bfloat16"
        )
    if sampling.temperature == 0:
        return int(logits.argmax())
    scaled = logits / sampling.temperature
    if sampling.top_p < 1:
        scaled = _nucleus(scaled, sampling.top_p)
    noise = _gumbel(seed, position, logits.shape[0])
    return int((scaled + torch.from_numpy(noise).to(scaled.device)).argmax())


def _nucleus(scaled: Tensor, top_p: float) -> Tensor:
    """Set to -inf all but the fewest most likely tokens whose probabilities reach `top_p`.

    Source: arXiv 1904.09751.
    """
    probabilities, order = scaled.softmax(-1).sort(descending=True)
    before = probabilities.cumsum(-1) - probabilities
    return scaled.index_fill(0, order[before >= top_p], -torch.inf)


def _gumbel(seed: int, position: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Standard Gumbel noise, (size,), from the counter-based Philox generator."""
    key = np.array([seed % 2**64, position], dtype=np.uint64)
    uniform = np.random.Generator(np.random.Philox(key=key)).random(size, dtype=np.float64)
    # random() may be 0, and log(0) is not finite.
    noise: np.ndarray[tuple[int], np.dtype[np.float32]] = -np.log(
        -np.log(np.maximum(uniform, np.finfo(np.float64).tiny))
    ).astype(np.float32)
    return noise
