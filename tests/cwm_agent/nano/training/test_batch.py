"""Bucketing loses nothing and keeps the budget."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic import SyntheticSource

from cwm_agent.nano.training.batch import Batch, Batcher, Sample
from cwm_agent.nano.training.feed import CopyMaker, Feed, FeedSettings


def numbered(lengths: list[int]) -> list[Sample]:
    """Samples without any 0, so that padding can be told from them."""
    return [Sample((number + 1,) * size, (1.0,) * size) for number, size in enumerate(lengths)]


def rows(batch: Batch) -> list[tuple[int, ...]]:
    return [tuple(row[row > 0].tolist()) for row in batch.ids]


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1_000), st.integers(1, 128))
def test_no_sample_is_lost_and_the_budget_is_kept(
    lengths: list[int], budget: int, step: int
) -> None:
    samples = numbered(lengths)
    batcher = Batcher(budget, step)
    full = list(batcher.add(samples))
    batches = [*full, *batcher.flush()]
    assert Counter(row for batch in batches for row in rows(batch)) == Counter(
        sample.ids for sample in samples
    )
    for batch in batches:
        count, length = batch.ids.shape
        assert length % step == 0
        assert count == 1 or count * length <= budget
        assert batch.tokens == int((batch.ids > 0).sum())
        assert np.all(length - (batch.ids > 0).sum(1) < step)
    assert all((batch.ids.shape[0] + 1) * batch.ids.shape[1] > budget for batch in full)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.data())
def test_every_weight_meets_its_token(lengths: list[int], data: st.DataObject) -> None:
    weight = st.sampled_from([0.0, 0.3, 1.0])
    samples = [
        Sample(tuple(range(1, size + 1)), tuple(data.draw(weight) for _ in range(size)))
        for size in lengths
    ]
    batcher = Batcher(64, 8)
    for batch in [*batcher.add(samples), *batcher.flush()]:
        flat = batch.ids.reshape(-1)
        assert np.array_equal(flat[batch.places] + 1, batch.targets)
        assert np.all(batch.weights > 0)


def test_copy_batches_repeat_exactly_where_they_ask() -> None:
    maker = CopyMaker(vocabulary=500, length=128, budget=2_048, seed=3)
    maker.remember([Sample(tuple(range(400, 480)), (1.0,) * 80)])
    batch = maker.make()
    assert batch.ids.shape == (16, 128)
    for row in range(16):
        asked = batch.places[batch.places // 128 == row] % 128
        piece = asked[0]  # the last token before the loss begins is the second repetition's first
        assert np.array_equal(batch.ids[row, piece:], batch.ids[row, : 128 - piece])
    assert sum(bool(np.all((row >= 400) & (row < 480))) for row in batch.ids) == 8


def test_copies_become_rarer_and_the_stream_is_reproducible() -> None:
    def stream(seed: int) -> list[Batch]:
        samples = ([sample] for sample in SyntheticSource(96, 20, 60)(seed))
        feed = Feed(samples, FeedSettings(budget=512, copy_length=64), vocabulary=96, seed=seed)
        return [feed.next(step / 240) for step in range(240)]

    first, again, other = stream(1), stream(1), stream(2)
    kinds = [batch.kind == "copy" for batch in first]
    assert kinds[:30].count(True) in (3, 4)
    assert kinds[120:].count(True) in (5, 6)
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))
    assert not all(np.array_equal(a.ids, b.ids) for a, b in zip(first, other, strict=True))
