"""Whether "right with probability p" is right in a share p of cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

PARTS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Choices whose probability lies in one part of 0 to 1: their number and two means."""

    count: int
    said: float
    was: float


def reliability(pairs: Sequence[tuple[float, bool]]) -> list[Bin]:
    """The curve over ten equal parts, of (probability, right); empty ones are left out."""
    parts: list[list[tuple[float, bool]]] = [[] for _ in range(PARTS)]
    for said, was in pairs:
        parts[min(PARTS - 1, int(said * PARTS))].append((said, was))
    return [
        Bin(len(part), fmean(said for said, _ in part), fmean(was for _, was in part))
        for part in parts
        if part
    ]


def expected_error(bins: Sequence[Bin]) -> float | None:
    """The mean distance between what was said and what was, by the number of cases (ECE).

    Source: Naeini and others, Obtaining well calibrated probabilities using Bayesian
    binning, 2015. None without cases.
    """
    total = sum(part.count for part in bins)
    return sum(part.count * abs(part.said - part.was) for part in bins) / total if total else None
