"""Spreads of times."""

from __future__ import annotations

from cwm_agent.bench.timing import Spread, milliseconds, repeated, spread


def test_the_spread_takes_the_nearest_rank() -> None:
    times = [float(number) for number in range(100, 0, -1)]
    assert spread(times) == Spread(50.5, 95.0, 100)
    assert spread([3.0]) == Spread(3.0, 3.0, 1)


def test_rounds_end_with_their_number_or_their_time() -> None:
    assert repeated(7, 60.0, lambda: 1.0).rounds == 7
    assert repeated(7, 0.0, lambda: 1.0).rounds == 1


def test_a_call_takes_time() -> None:
    assert milliseconds(lambda: sum(range(100_000))) > 0
