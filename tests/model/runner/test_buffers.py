"""Buffers of decode steps and of draws: they hold exactly the step, whatever was there before."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import torch
from engines import CPU
from hypothesis import given, settings

from model.kvcache.layer_groups import group_layers
from model.runner.buffers import NOWHERE, StepBuffers, Token
from model.runner.decoder import MOST_DRAFT_KEYS
from model.step.pinned import PinnedBuffer
from model.step.plan import PageSpan, Row
from model.step.sample_inputs import pack_draws
from model.step.sampler import GREEDY, Draw, Sampling


def test_a_step_is_for_the_buffers_only_if_all_of_it_fits() -> None:
    buffers = StepBuffers(group_layers((None, 16)), most=4, context=40, page_size=4, device=CPU)
    row = Row(0, 39, (1,), 1, ())
    assert buffers.fits([row] * 4)
    assert not buffers.fits([row] * 5)
    assert buffers.fits([Row(0, 36, (1, 2, 3, 4), 4, ())])
    assert not buffers.fits([Row(0, 37, (1, 2, 3, 4), 4, ())])
    assert not buffers.fits([Row(0, 0, (1, 2, 3, 4, 5), 5, ())])
    assert not buffers.fits([])
    assert MOST_DRAFT_KEYS > 16 * 2**13  # drafts at the usual lengths stay in a graph


positions = st.integers(0, 199)


@settings(max_examples=30)
@given(
    steps=st.lists(st.lists(positions, min_size=1, max_size=6), min_size=1, max_size=6),
    page_size=st.sampled_from([1, 4, 16]),
    data=st.data(),
)
def test_buffers_hold_exactly_the_step(
    steps: list[list[int]], page_size: int, data: st.DataObject
) -> None:
    """After any steps before: ids, slots and visible pages of this one, and padding after it."""
    groups = group_layers((None, 16, None))
    buffers = StepBuffers(groups, most=8, context=200, page_size=page_size, device=CPU)
    for step in steps:
        tokens = [token_at(position, groups, page_size, data) for position in step]
        size = 8 if len(step) > 4 else 4
        buffers.fill(tokens, size)
        batch = buffers.batch(size)
        assert batch.ids.tolist() == [token.id for token in tokens] + [0] * (size - len(step))
        assert batch.positions[: len(step)].tolist() == step
        (rows,) = batch.paged
        for g, group in enumerate(groups):
            pages, slots = rows.pages[g], batch.slots[g].tolist()
            assert slots[len(step) :] == [NOWHERE] * (size - len(step))
            assert pages.lengths[len(step) :].tolist() == [0] * (size - len(step))
            for i, token in enumerate(tokens):
                low = group.first_needed(token.position) // page_size
                length = int(pages.lengths[i])
                assert length == token.position + 1 - low * page_size <= pages.longest
                span = token.spans[g]
                for place in range(length):
                    page = span.pages[low + place // page_size - span.first]
                    assert int(pages.table[i, place // page_size]) == page
                last = span.pages[token.position // page_size - span.first]
                assert slots[i] == last * page_size + token.position % page_size


def token_at(position: int, groups: object, page_size: int, data: st.DataObject) -> Token:
    """A token whose sequence holds some pages more than it sees."""
    from array import array

    spans = []
    for group in group_layers((None, 16, None)):
        first = data.draw(st.integers(0, group.first_needed(position) // page_size))
        if group.window is None:
            first = 0
        count = position // page_size - first + 1 + data.draw(st.integers(0, 2))
        start = data.draw(st.integers(0, 50))
        spans.append(PageSpan(first, array("i", range(start, start + count))))
    return Token(data.draw(st.integers(1, 39)), position, tuple(spans))


def test_only_rows_that_changed_are_sent() -> None:
    buffer = PinnedBuffer(torch.zeros((2, 4), dtype=torch.int32), CPU)
    values = np.array([5, 6], dtype=np.int32)
    buffer.set_row(1, values)
    assert buffer.device.tolist() == [[0, 0, 0, 0], [5, 6, 0, 0]]
    buffer.device.zero_()
    buffer.set_row(1, values)
    assert buffer.device.tolist()[1] == [0, 0, 0, 0]  # the same: not sent again
    buffer.set_row(1, values[:1] + 1)
    assert buffer.device.tolist()[1] == [6, 0, 0, 0]


def test_draws_in_buffers_are_those_that_the_sampler_packs() -> None:
    draws = [
        Draw(Sampling(0.7, 0.9, top_k=5, min_p=0.1, seed=2**40), 2**63 + 5, 17),
        Draw(GREEDY, 3, 4),
        Draw(Sampling(1.3), 0, 2),
    ]
    buffers = StepBuffers(group_layers((None,)), most=4, context=8, page_size=4, device=CPU)
    buffers.fill_draws([draws[0]] * 4, 4)
    buffers.fill_draws(draws, 4)
    found, packed = buffers.sample_inputs(4), pack_draws(draws, CPU)
    for name in ("seeds", "streams", "positions", "temperatures", "top_p", "min_p", "top_k"):
        assert torch.equal(getattr(found, name)[:3], getattr(packed, name)), name
        assert getattr(found, name).dtype == getattr(packed, name).dtype
    assert float(found.temperatures[3]) == 0
