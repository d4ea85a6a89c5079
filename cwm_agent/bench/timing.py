"""Times of calls, as spreads."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds over all `rounds`; `p95` is the nearest rank."""

    median: float
    p95: float
    rounds: int


def spread(milliseconds: list[float]) -> Spread:
    """The spread of single times."""
    times = sorted(milliseconds)
    p95 = times[math.ceil(0.95 * len(times)) - 1]
    return Spread(round(statistics.median(times), 3), round(p95, 3), len(times))


def milliseconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return round((time.perf_counter() - start) * 1e3, 3)


def repeated(rounds: int, seconds: float, call: Callable[[], float]) -> Spread:
    """What `call` says of `rounds` rounds, or of as many as begin within `seconds`."""
    started = time.perf_counter()
    times = [call()]
    while len(times) < rounds and time.perf_counter() - started < seconds:
        times.append(call())
    return spread(times)
