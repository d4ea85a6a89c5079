"""Figures over outcomes, with how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

Z95 = 1.959964
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `n`, with the Wilson interval at 95 % (0 to 1)."""

    value: float
    count: int
    n: int
    low: float
    high: float

    def __str__(self) -> str:
        """Such as ` 92.0% [81.2, 96.8] n=50`."""
        return f"{self.value:6.1%} [{100 * self.low:4.1f}, {100 * self.high:5.1f}] n={self.n}"


def share(count: int, n: int) -> Share:
    """The share `count / n` and its interval; 0 to 1 where nothing was counted.

    Source: Wilson, Probable inference, the law of succession, and statistical
    inference, 1927.
    """
    if n == 0:
        return Share(0.0, 0, 0, 0.0, 1.0)
    p = count / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    reach = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    low = 0.0 if count == 0 else max(0.0, centre - reach)
    high = 1.0 if count == n else min(1.0, centre + reach)
    return Share(round(p, 4), count, n, round(low, 4), round(high, 4))
