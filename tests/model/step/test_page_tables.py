"""Page tables name the same slots as the gathers do, for any rows."""

from __future__ import annotations

from array import array

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.kvcache.layer_groups import LayerGroup
from model.step.batch import build_batch
from model.step.page_tables import DRAFT_TOKENS
from model.step.plan import PageSpan, Row, StepPlan

CPU = torch.device("cpu")
GROUPS = (LayerGroup((0, 2), None), LayerGroup((1,), 9))


@st.composite
def plans(draw: st.DrawFn, page_size: int) -> StepPlan:
    """Rows whose window group has given back what nobody sees, or part of it."""
    rows, used = [], [0, 0]
    for number in range(draw(st.integers(1, 5))):
        start, tokens = draw(st.integers(0, 40)), draw(st.integers(1, 30))
        end = -(-(start + tokens) // page_size)
        spans = []
        for g, group in enumerate(GROUPS):
            first = draw(st.integers(0, group.first_needed(start) // page_size))
            spans.append(PageSpan(first, array("i", range(used[g], used[g] + end - first))))
            used[g] += end - first
        rows.append(Row(number, start, tuple(range(tokens)), 1, tuple(spans)))
    return StepPlan((), tuple(rows))


@settings(max_examples=60)
@given(st.data(), st.sampled_from([1, 4, 5]))
def test_a_table_names_the_slots_that_a_row_sees(data: st.DataObject, page_size: int) -> None:
    plan = data.draw(plans(page_size))
    batch = build_batch(plan, GROUPS, page_size, CPU, paged=True)
    assert sum(rows.end - rows.begin for rows in batch.paged) == plan.tokens
    rows_of = sorted(plan.rows, key=lambda row: len(row.tokens))
    seen = 0
    for run in batch.paged:
        for i in range(len(run.begins) - 1):
            row, begin = rows_of[seen], run.begin + int(run.begins[i])
            seen += 1
            assert int(run.begins[i + 1] - run.begins[i]) == len(row.tokens) <= run.most
            assert (run.most <= DRAFT_TOKENS) == (len(row.tokens) <= DRAFT_TOKENS)
            for g, group in enumerate(GROUPS):
                pages = run.pages[g]
                length, span = int(pages.lengths[i]), row.spans[g]
                assert length <= pages.longest
                slots = [
                    int(pages.table[i, k // page_size]) * page_size + k % page_size
                    for k in range(length)
                ]
                end = row.start + len(row.tokens)
                positions = range(group.first_needed(row.start), end)
                expected = [
                    span.pages[p // page_size - span.first] * page_size + p % page_size
                    for p in positions
                ]
                assert slots[len(slots) - len(positions) :] == expected
                new = batch.slots[g][begin : begin + len(row.tokens)].tolist()
                assert new == expected[len(expected) - len(row.tokens) :]
    assert seen == len(plan.rows)


def test_wanted_tokens_follow_the_plan_whatever_the_order_of_the_batch() -> None:
    def row(number: int, tokens: tuple[int, ...], logits: int) -> Row:
        spans = tuple(PageSpan(0, array("i", range(number * 10, number * 10 + 10))) for _ in GROUPS)
        return Row(number, 0, tokens, logits, spans)

    rows = (row(0, tuple(range(100, 125)), 1), row(1, (7,), 1), row(2, (1, 2, 3), 2))
    batch = build_batch(StepPlan((), rows), GROUPS, 4, CPU, paged=True)
    assert batch.ids[batch.wanted].tolist() == [124, 7, 2, 3]
