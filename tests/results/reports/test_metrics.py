"""Figures over outcomes, beside enumeration and published values."""

from __future__ import annotations

from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.reports.metrics import mcnemar, pass_at_k, share


@st.composite
def samples(draw: st.DrawFn) -> tuple[list[bool], int]:
    outcomes = draw(st.lists(st.booleans(), min_size=1, max_size=8))
    return outcomes, draw(st.integers(1, len(outcomes)))


@given(samples())
def test_pass_at_k_is_the_share_of_choices_with_a_right_one(case: tuple[list[bool], int]) -> None:
    outcomes, k = case
    choices = list(combinations(outcomes, k))
    expected = sum(any(choice) for choice in choices) / len(choices)
    assert pass_at_k(len(outcomes), sum(outcomes), k) == pytest.approx(expected)


@pytest.mark.parametrize("case", [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4), (0, 0, 1)])
def test_pass_at_k_is_undefined_beyond_the_samples(case: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(*case)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_two_sided_binomial_test(first: int, second: int) -> None:
    n, low = first + second, min(first, second)
    as_extreme = sum(comb(n, i) for i in range(n + 1) if comb(n, i) <= comb(n, low))
    assert mcnemar(first, second) == pytest.approx(as_extreme / 2**n)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_mcnemar_of_known_tables() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 5) == 0.0625
    assert mcnemar(1, 9) == pytest.approx(0.021484375)
    assert mcnemar(700, 900) < 1e-6


def test_wilson_of_published_values() -> None:
    """Newcombe, Two-sided confidence intervals for the single proportion, 1998, table I."""
    for count, n, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
    ):
        found = share(count, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
