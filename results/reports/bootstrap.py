"""Means over problems, with their 95 % intervals by a bootstrap of the problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from results.reports.metrics import share

DRAWS = 4000
SEED = 20251127


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` problems, and the interval in which it lies (all from 0 to 1)."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """Such as `53.8 % [49.4, 58.1] n=30`."""
        return f"{100 * self.value:.1f} % [{100 * self.low:.1f}, {100 * self.high:.1f}] n={self.n}"


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of one value a problem; the samples of a problem stay together.

    Source: Efron, Bootstrap methods: another look at the jackknife, 1979 (percentiles). One
    problem says nothing of others: its interval is 0 to 1. Where all are 0, or all 1, there is
    nothing to draw from, and the interval is Wilson's.
    """
    if not values:
        return Estimate(0.0, 0.0, 1.0, 0)
    found = np.asarray(values, dtype=float)
    if len(found) == 1:
        return Estimate(round(float(found[0]), 4), 0.0, 1.0, 1)
    low, high = _edges(found)
    if low == high and low in (0.0, 1.0):
        even = share(round(low) * len(found), len(found))
        low, high = even.low, even.high
    return Estimate(round(float(found.mean()), 4), low, high, len(found))


def difference_of(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The mean of first - second over the same problems, from -1 to 1."""
    found = np.asarray(first, dtype=float) - np.asarray(second, dtype=float)
    if len(found) < 2:
        return Estimate(round(float(found.sum()), 4), -1.0, 1.0, len(found))
    low, high = _edges(found)
    return Estimate(round(float(found.mean()), 4), low, high, len(found))


def _edges(values: np.ndarray) -> tuple[float, float]:
    random = np.random.default_rng(SEED)
    counts = random.multinomial(len(values), [1 / len(values)] * len(values), size=DRAWS)
    low, high = np.quantile(counts @ values / len(values), (0.025, 0.975))
    return round(float(low), 4), round(float(high), 4)
