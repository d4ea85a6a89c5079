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


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The chance that at least one of `k` samples is right, given `correct` right ones of `n`.

    Unbiased for k up to n: 1 - C(n - c, k) / C(n, k). Source: Chen and others,
    Evaluating large language models trained on code, 2021.
    """
    if not 0 <= correct <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} of {correct} right samples among {n} is not defined")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value that two systems are equally good, by McNemar's exact test.

    Of the instances that only one of them solves, either should solve half:
    twice the smaller tail of the binomial distribution with p = 1/2, at most 1.
    Source: McNemar, Note on the sampling error of the difference between
    correlated proportions or percentages, 1947, in its exact form.
    """
    n = only_first + only_second
    tail = sum(math.comb(n, i) for i in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / (1 << n))
