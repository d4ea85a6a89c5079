"""The same token as the plain sampler, for every kind of row, without sorting."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import numbers

from model.ops.triton import sample as kernels
from model.ops.triton.sample import sample_rows
from model.ops.triton.tuning import RowTuning, tuning_for
from model.step.sample_inputs import pack_draws
from model.step.sampler import GREEDY, PUBLISHED, Draw, Sampling, sample, uniform

CPU = torch.device("cpu")
KINDS = [
    GREEDY,
    PUBLISHED,
    Sampling(0.7),
    Sampling(1.3, top_k=5),
    Sampling(0.9, top_p=0.5, top_k=40),
    Sampling(1.0, min_p=0.05),
    Sampling(0.6, top_p=0.8, top_k=7, min_p=0.01),
    Sampling(2.0, top_k=10_000),
    Sampling(1.0, top_p=1e-9),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several blocks although the vocabulary of the tests is small."""
    tuning = replace(tuning_for(CPU), sample=RowTuning(warps=4, columns=64))
    monkeypatch.setattr(kernels, "tuning_for", lambda device: tuning)


def chosen(logits: torch.Tensor, draws: list[Draw]) -> list[int]:
    ids = sample_rows(logits, pack_draws(draws, CPU))
    assert ids.dtype == torch.int64
    return ids.tolist()


@pytest.mark.parametrize("vocabulary", [1, 64, pytest.param(130, marks=pytest.mark.slow)])
def test_all_kinds_of_rows_in_one_batch(vocabulary: int) -> None:
    logits = numbers(len(KINDS), vocabulary, seed=vocabulary) * 3
    draws = [Draw(kind, stream=i, position=11 * i) for i, kind in enumerate(KINDS)]
    assert chosen(logits, draws) == sample(logits, draws)


def test_the_noise_is_that_of_the_counter() -> None:
    """Flat logits lay the noise open: token = noise * vocabulary."""
    vocabulary = 512
    triples = [(0, 0, 0), (1, 2, 3), (-1, 2**63, 5), (2**80 + 7, 2**53 - 1, 131_071)]
    draws = [Draw(Sampling(seed=seed), stream, place) for seed, stream, place in triples]
    found = chosen(torch.zeros(len(draws), vocabulary), draws)
    assert found == [int(uniform(*triple) * vocabulary) for triple in triples]


def test_equal_probabilities_stay_together() -> None:
    logits = torch.tensor([[1.0, 0.0, 1.0, 0.0, 1.0, -1.0]]).repeat(12, 1)
    draws = [Draw(Sampling(top_k=2), 0, place) for place in range(12)]
    found = chosen(logits, draws)
    assert set(found) == {0, 2, 4}
    assert found == sample(logits, draws)


def test_forbidden_tokens_are_never_drawn() -> None:
    logits = torch.full((8, 100), -torch.inf)
    logits[:, [3, 70]] = 1.0
    draws = [Draw(kind, 1, i) for i, kind in enumerate(KINDS[:8])]
    found = chosen(logits, draws)
    assert set(found) <= {3, 70}
    assert found == sample(logits, draws)


def test_a_row_depends_on_no_other() -> None:
    logits = numbers(3, 90) * 2
    draws = [Draw(kind, 5, i) for i, kind in enumerate([PUBLISHED, Sampling(top_k=3), GREEDY])]
    together = chosen(logits, draws)
    assert [chosen(logits[i : i + 1], [draws[i]])[0] for i in range(3)] == together


@settings(max_examples=4)
@given(st.data())
def test_any_row_is_sampled_as_by_the_plain_sampler(data: st.DataObject) -> None:
    vocabulary = data.draw(st.integers(2, 130))
    logits = numbers(3, vocabulary, seed=data.draw(st.integers(0, 999)))
    logits *= data.draw(st.sampled_from([0.0, 0.1, 1.0, 10.0, 300.0]))
    params = st.builds(
        Sampling,
        temperature=st.floats(0.05, 4),
        top_p=st.floats(0.01, 1),
        top_k=st.integers(0, 140),
        min_p=st.floats(0, 0.9),
        seed=st.integers(),
    )
    draws = [Draw(data.draw(params), data.draw(st.integers(0, 2**53)), i) for i in range(3)]
    assert chosen(logits, draws) == sample(logits, draws)
