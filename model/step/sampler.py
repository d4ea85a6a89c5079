"""From logits to token ids.

The random number of a token is a hash of (seed, stream, position), where the
stream names the session: the tokens of a session depend on nothing else that
runs beside it, and a continuation from any point repeats.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from model.errors import SamplingError
from model.step.checks import real, whole

NOT_FINITE = -1  # in the place of a token

_MASK = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Sampling:
    """How one generation samples.

    Temperature 0 takes the likeliest token, so filters have no meaning with it.
    `top_k` 0 and `min_p` 0 are off. `min_p` drops tokens less likely than that
    share of the likeliest one. Filters apply after the temperature, in the
    order top-k, top-p, min-p.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise SamplingError for values out of range.

        They are checked here, since one that fails in a step would fail it for all.
        """
        for name in ("top_k", "seed"):
            object.__setattr__(self, name, whole(name, getattr(self, name)))
        for name in ("temperature", "top_p", "min_p"):
            object.__setattr__(self, name, real(name, getattr(self, name)))
        checks = (
            (math.isfinite(self.temperature) and self.temperature >= 0, "temperature", ">= 0"),
            (0 < self.top_p <= 1, "top_p", "in (0, 1]"),
            (self.top_k >= 0, "top_k", ">= 0 (0 is off)"),
            (0 <= self.min_p < 1, "min_p", "in [0, 1)"),
        )
        for fine, name, rule in checks:
            if not fine:
                raise SamplingError(f"{name} is {getattr(self, name)}; it must be {rule}")
        if self.greedy and (self.top_p < 1 or self.top_k or self.min_p):
            raise SamplingError(
                f"top_p {self.top_p}, top_k {self.top_k} and min_p {self.min_p} have no meaning at "
                "temperature 0 (greedy); leave them off or raise the temperature"
            )

    def at(self, temperature: float | None) -> Sampling:
        """The same at another temperature, without filters where it is 0; None changes nothing."""
        if temperature is None or temperature == self.temperature:
            return self
        if temperature == 0:
            return Sampling(0.0, seed=self.seed)
        return replace(self, temperature=temperature)

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken."""
        return self.temperature == 0


GREEDY = Sampling(temperature=0.0)
PUBLISHED = Sampling(temperature=1.0, top_p=0.95)  # of all published CWM evaluations


@dataclass(frozen=True, slots=True)
class Draw:
    """One token to sample: with what, for which stream, at which position."""

    params: Sampling
    stream: int
    position: int
    allowed: Tensor | None = None  # (vocabulary,) bool; None allows all
    bias: Mapping[int, float] | None = None  # added to the logits of these tokens


def uniform(seed: int, stream: int, position: int) -> float:
    """A number in [0, 1) that depends on exactly these three.

    Three rounds of the SplitMix64 finaliser (Steele, Lea, Flood 2014).
    """
    state = 0
    for part in (seed, stream, position):
        state = (state ^ (part & _MASK)) * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15 & _MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return (state >> 11) * 2.0**-53


class Sampler(Protocol):
    """How an engine samples: `sample`, or the same on the device (see `model.ops.operations`)."""

    def __call__(self, logits: Tensor, draws: Sequence[Draw]) -> list[int]:
        """One token a row; logits (rows, vocabulary)."""


def substream(stream: int, number: int) -> int:
    """The noise stream of the `number`-th twin of a stream."""
    return int(uniform(0x5EED, stream, number) * 2**53)


def sample(logits: Tensor, draws: Sequence[Draw]) -> list[int]:
    """One token a row; logits (rows, vocabulary), fp32 or wider."""
    logits = masked(logits, draws)
    chosen: list[int] = logits.argmax(dim=-1).tolist()
    rows = [i for i, draw in enumerate(draws) if not draw.params.greedy]
    if rows:
        for i, token in zip(rows, _draw(logits, draws, rows), strict=True):
            chosen[i] = token
    return chosen


def top_logprobs(logits: Tensor, token: int, count: int) -> tuple[float, list[tuple[int, float]]]:
    """Log-probability of `token` and of the `count` likeliest tokens, before any filter.

    logits (vocabulary,).
    """
    logprobs = logits.log_softmax(-1)
    values, ids = logprobs.topk(min(count, logits.shape[-1]))
    return float(logprobs[token]), list(zip(ids.tolist(), values.tolist(), strict=True))


def masked(logits: Tensor, draws: Sequence[Draw]) -> Tensor:
    """The logits (rows, vocabulary), biased, and minus infinity for what a draw does not allow."""
    rows = [i for i, draw in enumerate(draws) if draw.allowed is not None or draw.bias]
    if not rows:
        return logits
    logits = logits.clone()
    for i in rows:
        allowed, bias = draws[i].allowed, draws[i].bias
        if bias:
            ids = torch.tensor(list(bias), device=logits.device)
            logits[i, ids] += torch.tensor(list(bias.values()), device=logits.device).to(logits)
        if allowed is not None:
            logits[i].masked_fill_(~allowed.to(logits.device), -torch.inf)
    return logits


def _draw(logits: Tensor, draws: Sequence[Draw], rows: list[int]) -> list[int]:
    """Inverse of the cumulative distribution in vocabulary order.

    In that order a rounding difference moves the border between two tokens a
    little; sorted by probability it could swap two near-equal tokens.
    """
    device = logits.device
    params = [draws[i].params for i in rows]
    heat = torch.tensor([p.temperature for p in params], dtype=logits.dtype, device=device)
    probs = (logits[rows] / heat[:, None]).softmax(-1)
    probs = probs.masked_fill(probs < _thresholds(probs, params), 0.0)
    cumulative = probs.double().cumsum(-1)
    numbers = [uniform(draws[i].params.seed, draws[i].stream, draws[i].position) for i in rows]
    noise = torch.tensor(numbers, dtype=torch.float64, device=device)
    targets = noise[:, None] * cumulative[:, -1:]
    # The first token whose cumulative mass exceeds the target; a dropped token adds none.
    picks: list[int] = torch.searchsorted(cumulative, targets, right=True)[:, 0].tolist()
    last: list[int] = (probs > 0).double().cumsum(-1).argmax(-1).tolist()
    return [min(pick, end) for pick, end in zip(picks, last, strict=True)]


def _thresholds(probs: Tensor, params: Sequence[Sampling]) -> Tensor:
    """The least probability kept in each row, (rows, 1). Equal probabilities stay together."""
    least = probs.new_zeros(len(params))
    for i, p in enumerate(params):
        if p.top_k:
            least[i] = probs[i].topk(min(p.top_k, probs.shape[-1])).values[-1]
        if p.top_p < 1:
            least[i] = torch.maximum(least[i], _nucleus(probs[i], p, least[i]))
        if p.min_p:
            least[i] = torch.maximum(least[i], probs[i].max() * p.min_p)
    return least[:, None]


def _nucleus(probs: Tensor, params: Sampling, least: Tensor) -> Tensor:
    """The least probability of the smallest set with mass `top_p` of what is left, as a scalar.

    Sorting a part is enough when it already has the mass; else all are sorted.
    """
    left = probs.masked_fill(probs < least, 0.0)
    goal = params.top_p * left.double().sum()
    for count in (256, 4096, probs.shape[-1]):
        values = left.topk(min(count, probs.shape[-1])).values
        mass = values.double().cumsum(-1)
        if mass[-1] >= goal or count >= probs.shape[-1]:
            place = min(int((mass < goal).sum()), len(values) - 1)
            return values[place]
    raise AssertionError("the last pass sorts everything")
