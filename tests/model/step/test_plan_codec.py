from __future__ import annotations

from array import array

import hypothesis.strategies as st
import pytest
from hypothesis import given

from model.kvcache.blocks import Move
from model.step.plan import PageSpan, Row, StepPlan
from model.step.plan_codec import decode_plan, encode_plan

numbers = st.integers(0, 2**31 - 1)
moves = st.builds(Move, st.integers(0, 3), st.sampled_from(["copy", "out", "in"]), numbers, numbers)
spans = st.builds(
    PageSpan, numbers, st.lists(numbers, max_size=8).map(lambda pages: array("i", pages))
)


def rows(groups: int) -> st.SearchStrategy[Row]:
    return st.builds(
        Row,
        numbers,
        numbers,
        st.lists(numbers, min_size=1, max_size=6).map(tuple),
        st.integers(0, 6),
        st.tuples(*[spans] * groups),
    )


plans = st.integers(1, 3).flatmap(
    lambda groups: st.builds(
        StepPlan,
        st.lists(moves, max_size=4).map(tuple),
        st.lists(rows(groups), max_size=4).map(tuple),
        st.booleans(),
    )
)


@given(plans)
def test_a_plan_comes_back_as_it_was(plan: StepPlan) -> None:
    assert decode_plan(encode_plan(plan)) == plan


def test_numbers_beyond_int32_are_refused_not_cut() -> None:
    with pytest.raises(OverflowError):
        encode_plan(StepPlan((), (Row(2**31, 0, (1,), 1, ()),)))
