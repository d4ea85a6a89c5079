"""Several ways to do the same work, timed in turn so that a slow minute hits all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from envs.progress import Say

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Lap(Generic[T]):
    """One piece of work: how long it took, what came out."""

    seconds: float
    result: T


@dataclass(frozen=True, slots=True)
class Timed(Generic[T]):
    """Seconds and result of one way, one entry a round."""

    seconds: tuple[float, ...]
    results: tuple[T, ...]

    @property
    def median(self) -> float:
        """Seconds of the middle round."""
        return statistics.median(self.seconds)


def lap(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Lap[T]:
    """Time all of `work`."""
    begin = time.perf_counter()
    result = work(*args, **kwargs)
    return Lap(time.perf_counter() - begin, result)


def time_in_turn(
    ways: Mapping[str, Callable[[int], Lap[T]]], rounds: int, progress: Say, what: str
) -> dict[str, Timed[T]]:
    """Give every way the number of each round; every other round goes through them backwards."""
    laps: dict[str, list[Lap[T]]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            laps[name].append(ways[name](number))
            seconds = laps[name][-1].seconds
            progress(f"{what}, round {number + 1} of {rounds}: {name} {seconds:.3f} s")
    return {
        name: Timed(tuple(lap.seconds for lap in done), tuple(lap.result for lap in done))
        for name, done in laps.items()
    }


def pair_ratio(ours: tuple[float, ...], theirs: tuple[float, ...]) -> float:
    """How many times as long they took: the median over rounds, each round against itself."""
    return statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
