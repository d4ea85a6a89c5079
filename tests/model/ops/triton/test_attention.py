"""Both attention kernels equal the plain one: ragged rows, window and page edges, padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import DTYPES, Ragged, assert_close, ragged

from model.ops.paged import attend_pages
from model.ops.triton.decode import attend_decode
from model.ops.triton.extend import attend_extend
from model.ops.triton.tuning import SplitTuning, TileTuning

SPLIT = SplitTuning(split=32, keys=16, warps=4, stages=2)
TILE = TileTuning(queries=32, keys=16, warps=4, stages=2)


def expected(batch: Ragged, window: int | None) -> torch.Tensor:
    return attend_pages(batch.query, batch.begins, batch.pool, batch.pages, window)


def decode(batch: Ragged, window: int | None, most: int = 1) -> torch.Tensor:
    parts = (batch.query, batch.begins, batch.pool, batch.pages)
    return attend_decode(*parts, window, most, tuning=SPLIT)


def extend(batch: Ragged, window: int | None, most: int) -> torch.Tensor:
    parts = (batch.query, batch.begins, batch.pool, batch.pages)
    return attend_extend(*parts, window, most, tuning=TILE)


def shapes(window: int) -> pytest.MarkDecorator:
    """Types, head sizes, and with a window or without: each two of them together once."""
    single, half = DTYPES
    return pytest.mark.parametrize(
        ("dtype", "head_dim", "window"),
        [(single, 64, None), (single, 128, window), (half, 64, window), (half, 128, None)],
    )


@shapes(window=40)
def test_decode_at_the_models_shapes(dtype: torch.dtype, head_dim: int, window: int | None) -> None:
    lengths = (1, 31, 32, 33, 39, 40, 41, 100)
    rows = [(length, 1) for length in lengths]
    batch = ragged(rows, heads=6, head_dim=head_dim, page_size=16, dtype=dtype)
    assert_close(decode(batch, window), expected(batch, window))


@shapes(window=24)
def test_extend_at_the_models_shapes(dtype: torch.dtype, head_dim: int, window: int | None) -> None:
    batch = ragged([(70, 20), (17, 17), (40, 3)], head_dim=head_dim, page_size=16, dtype=dtype)
    assert_close(extend(batch, window, 20), expected(batch, window))


@pytest.mark.parametrize("length", [31, 32, 33, 39, 40, 41])
def test_window_edges(length: int) -> None:
    """A window of 32 over pages of 8: the key W back is not seen, the one W - 1 back is."""
    one, several = ragged([(length, 1)], page_size=8), ragged([(length, 5)], page_size=8)
    assert_close(decode(one, 32), expected(one, 32))
    assert_close(decode(several, 32, 5), expected(several, 32))
    assert_close(extend(several, 32, 5), expected(several, 32))


@pytest.mark.parametrize("window", [1, 2, 16])
def test_narrow_windows(window: int) -> None:
    batch = ragged([(50, 1), (3, 1)])
    assert_close(decode(batch, window), expected(batch, window))
    batch = ragged([(50, 30), (3, 2)])
    assert_close(extend(batch, window, 30), expected(batch, window))


@pytest.mark.parametrize("tokens", [2, 17])
@pytest.mark.parametrize("window", [None, 20])
def test_drafts_are_attended_like_decodes(tokens: int, window: int | None) -> None:
    batch = ragged([(50, tokens), (tokens, tokens)])
    assert_close(decode(batch, window, tokens), expected(batch, window))


@pytest.mark.parametrize("spare", [0, 200])
def test_padding_rows_give_zeros(spare: int) -> None:
    batch = ragged([(20, 1), (0, 1), (0, 1)], spare=spare)
    found = decode(batch, None)
    assert (found[1:] == 0).all()
    assert_close(found, expected(batch, None))


def test_a_row_depends_on_no_other_and_on_no_bound() -> None:
    """Bit for bit: the same split sizes, wherever the row stands and however long others are."""
    batch = ragged([(77, 1), (5, 1), (130, 1)], spare=500)
    together = decode(batch, None)
    pages = replace(batch.pages, table=batch.pages.table[:1], lengths=batch.pages.lengths[:1])
    alone = Ragged(batch.query[:1], batch.begins[:2], batch.pool, replace(pages, longest=77))
    assert torch.equal(decode(alone, None)[0], together[0])


def test_a_result_may_go_into_a_part_of_a_larger_one() -> None:
    batch = ragged([(9, 1), (40, 1)])
    whole = torch.full((4, *batch.query.shape[1:]), -1.0)
    parts = (batch.query, batch.begins, batch.pool, batch.pages)
    attend_decode(*parts, None, out=whole[1:3], tuning=SPLIT)
    assert (whole[0] == -1).all()
    assert (whole[3] == -1).all()
    assert_close(whole[1:3], expected(batch, None))


def test_very_different_scores_neither_overflow_nor_vanish() -> None:
    batch = ragged([(100, 1)])
    batch.query.mul_(200)
    assert_close(decode(batch, None), expected(batch, None), scale=10)


@st.composite
def batches(draw: st.DrawFn, most: int) -> tuple[Ragged, int | None]:
    tokens = st.integers(1, most)
    rows = draw(st.lists(st.tuples(st.integers(0, 60), tokens), min_size=1, max_size=3))
    kv_heads, group = draw(st.sampled_from([(1, 1), (2, 3), (1, 6)]))
    batch = ragged(
        [(before + new, new) for before, new in rows],
        heads=kv_heads * group,
        kv_heads=kv_heads,
        page_size=draw(st.sampled_from([1, 4, 7, 16])),
        seed=draw(st.integers(0, 99)),
    )
    return batch, draw(st.none() | st.integers(1, 100))


@settings(max_examples=5)
@given(batches(1))
def test_decode_of_any_batch(drawn: tuple[Ragged, int | None]) -> None:
    batch, window = drawn
    assert_close(decode(batch, window), expected(batch, window))


@settings(max_examples=5)
@given(batches(40))
def test_extend_of_any_batch(drawn: tuple[Ragged, int | None]) -> None:
    batch, window = drawn
    assert_close(extend(batch, window, 40), expected(batch, window))


@settings(max_examples=3)
@given(batches(17))
def test_drafts_of_any_batch(drawn: tuple[Ragged, int | None]) -> None:
    batch, window = drawn
    assert_close(decode(batch, window, 17), expected(batch, window))
