"""Draws follow the distribution and depend on seed, position and token alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from model.errors import SamplingError
from model.step.sampler import GREEDY, Draw, Sampling, sample, top_logprobs

LOGITS = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()


def choose(logits: torch.Tensor, sampling: Sampling, *, seed: int, position: int) -> int:
    """One draw of one row."""
    return sample(logits[None], [Draw(replace(sampling, seed=seed), 0, position)])[0]


def shares(sampling: Sampling, draws: int = 2000) -> list[float]:
    picks = [choose(LOGITS, sampling, seed=1, position=place) for place in range(draws)]
    return [picks.count(token) / draws for token in range(4)]


def test_greedy_takes_the_most_likely() -> None:
    assert {choose(LOGITS, GREEDY, seed=s, position=s) for s in range(20)} == {0}


def test_temperature_one_draws_from_the_softmax() -> None:
    assert shares(Sampling(1.0, 1.0)) == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.04)


def test_temperature_sharpens_and_flattens() -> None:
    squared = [0.25, 0.09, 0.0225, 0.0025]
    sharp = [share / sum(squared) for share in squared]
    assert shares(Sampling(0.5, 1.0)) == pytest.approx(sharp, abs=0.04)


@pytest.mark.parametrize(
    ("top_p", "kept"),
    [(0.4, [1, 0, 0, 0]), (0.6, [0.625, 0.375, 0, 0]), (0.94, [0.526, 0.316, 0.158, 0])],
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p: float, kept: list[float]) -> None:
    found = shares(Sampling(1.0, top_p))
    assert found == pytest.approx(kept, abs=0.04)
    assert [share == 0 for share in found] == [share == 0 for share in kept]


def test_a_draw_repeats_and_differs_by_seed_and_position() -> None:
    flat = torch.zeros(1000)
    one = [choose(flat, Sampling(1.0, 1.0), seed=5, position=p) for p in range(50)]
    again = [choose(flat, Sampling(1.0, 1.0), seed=5, position=p) for p in range(50)]
    other = [choose(flat, Sampling(1.0, 1.0), seed=6, position=p) for p in range(50)]
    assert one == again
    assert len(set(one)) > 40
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 5


def test_a_negative_or_huge_seed_is_a_seed() -> None:
    for seed in (-1, 2**80):
        assert 0 <= choose(LOGITS, Sampling(1.0, 1.0), seed=seed, position=0) < 4


@pytest.mark.parametrize(
    ("temperature", "top_p", "said"),
    [
        (-0.1, 1.0, "temperature is -0.1"),
        (math.nan, 1.0, "temperature is nan"),
        (math.inf, 1.0, "temperature is inf"),
        (1.0, 0.0, "top_p is 0.0"),
        (1.0, 1.5, "top_p is 1.5"),
        (1.0, math.nan, "top_p is nan"),
        (0.0, 0.9, "no meaning at temperature 0"),
    ],
)
def test_impossible_values_are_refused(temperature: float, top_p: float, said: str) -> None:
    with pytest.raises(SamplingError, match=said):
        Sampling(temperature, top_p)


def test_top_k_and_min_p_drop_the_unlikely() -> None:
    assert shares(Sampling(1.0, top_k=2)) == pytest.approx([0.625, 0.375, 0, 0], abs=0.04)
    kept = [0.526, 0.316, 0.158, 0]
    assert shares(Sampling(1.0, min_p=0.2)) == pytest.approx(kept, abs=0.04)


def test_rows_of_a_batch_do_not_touch_each_other() -> None:
    rows = torch.randn(6, 50, generator=torch.Generator().manual_seed(1))
    kinds = [GREEDY, Sampling(1.0), Sampling(0.5, top_p=0.5), Sampling(2.0, top_k=3)]
    draws = [Draw(kinds[i % 4], stream=i, position=9) for i in range(6)]
    together = sample(rows, draws)
    assert together == [sample(rows[i : i + 1], [draws[i]])[0] for i in range(6)]


def test_a_mask_allows_only_what_it_names() -> None:
    allowed = torch.tensor([False, False, True, True])
    for params in (GREEDY, Sampling(1.0), Sampling(1.0, top_p=0.3)):
        picks = {sample(LOGITS[None], [Draw(params, 0, p, allowed)])[0] for p in range(200)}
        assert picks <= {2, 3}
        assert 2 in picks


def test_a_wide_nucleus_is_the_same_as_by_sorting_everything() -> None:
    logits = torch.randn(5000, generator=torch.Generator().manual_seed(2)) * 0.1
    probs = logits.softmax(-1)
    order = probs.argsort(descending=True)
    needed = int((probs[order].cumsum(0) < 0.9).sum()) + 1
    kept = set(order[:needed].tolist())
    picks = [choose(logits, Sampling(1.0, top_p=0.9), seed=3, position=p) for p in range(300)]
    assert set(picks) <= kept
    assert len(set(picks)) > 250


def test_logprobs_are_those_of_the_unfiltered_distribution() -> None:
    own, top = top_logprobs(LOGITS, 2, 2)
    assert math.exp(own) == pytest.approx(0.15)
    assert [(token, round(math.exp(value), 3)) for token, value in top] == [(0, 0.5), (1, 0.3)]
