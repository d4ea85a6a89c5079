"""What must hold for every recipe on every table."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cwm_agent.scaling.clusters import clustered
from cwm_agent.scaling.selection.choice import Recipe
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.table import Cell, Column, Table

from ..marks import table

COLUMNS = ["e", "g", "b0", "b1", "r0", "d", "v"]
MARKS = {"d": "xyz.", "v": "0379."}


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Up to six samples, some of which are the same or change nothing."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), max_size=6))
    names = ["a", "b", "c", "d", "f", "0"][: draw(st.integers(1, 6))]
    rows = {
        name: "".join(draw(st.sampled_from(MARKS.get(c[0], "++-.~?"))) for c in columns)
        for name in names
    }
    return table(
        " ".join(columns),
        rows,
        same={name: draw(st.sampled_from(["a", name])) for name in names},
        size={name: draw(st.integers(1, 3)) for name in names},
        tokens={name: draw(st.integers(1, 3)) for name in names},
    )


EACH = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
QUICK = settings(max_examples=12)


@EACH
@QUICK
@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_samples_matters_only_for_what_was_equal(
    recipe: Recipe, made: Table, random: Random
) -> None:
    """Ids stay with their patches and tests with their authors; only the numbers change."""
    numbers = [candidate.sample for candidate in made.candidates]
    random.shuffle(numbers)
    renamed = dict(enumerate(numbers))
    moved = clustered(
        replace(
            made,
            candidates=tuple(replace(c, sample=renamed[c.sample]) for c in made.candidates),
            columns=tuple(
                c if c.origin is None else replace(c, origin=renamed.get(c.origin, c.origin + 90))
                for c in made.columns
            ),
        )
    )
    before, after = recipe.make([made])(made), recipe.make([moved])(moved)
    if before.chosen != after.chosen:
        assert before.steps[-1].rule == after.steps[-1].rule == "earliest sample"
        last = before.steps[-1]
        assert after.chosen in last.kept + last.removed


@EACH
@QUICK
@given(tables(), st.sampled_from(["existing", "generated", "harvested"]))
def test_a_test_that_all_fail_changes_nothing(recipe: Recipe, made: Table, kind: str) -> None:
    before = "pass" if kind == "existing" else "fail"
    column = Column("hopeless", kind, 0 if kind == "harvested" else None, before)  # type: ignore[arg-type]
    cells = {c.id: made.cells.get(c.id, {}) | {"hopeless": Cell("fail")} for c in made.candidates}
    harder = clustered(replace(made, columns=(*made.columns, column), cells=cells))
    if {c.behaviour for c in harder.candidates} != {c.behaviour for c in made.candidates}:
        return  # it joined candidates that nothing was known of
    assert recipe.make([harder])(harder).chosen == recipe.make([made])(made).chosen


@EACH
@QUICK
@given(tables())
def test_a_choice_is_a_candidate_that_changes_something(recipe: Recipe, made: Table) -> None:
    choice = recipe.make([made])(made)
    effective = {candidate.id for candidate in made.effective}
    assert (choice.chosen in effective) if effective else (choice.chosen is None)
    assert set(choice.tied) <= effective


PASSING = ("most-tests", "cwm", "agentless", "hybrid", "kozuchi", "filter-then-critic")


@pytest.mark.parametrize("recipe", [r for r in RECIPES if r.name in PASSING], ids=lambda r: r.name)
@QUICK
@given(st.lists(st.sampled_from("+-"), min_size=1, max_size=5), st.data())
def test_a_missing_cell_is_no_failure(
    recipe: Recipe, marks: list[str], data: st.DataObject
) -> None:
    """Who is chosen although it fails a test is chosen without that cell, too."""
    others = [[data.draw(st.sampled_from("+-")) for _ in marks] for _ in range(2)]
    rows = {n: "".join(r) for n, r in zip("abc", [marks, *others], strict=True)}
    made = table(" ".join(["e"] * len(marks)), rows)
    chosen = recipe.make([made])(made).chosen
    assert chosen is not None
    for place, mark in enumerate(rows[chosen]):
        if mark == "-":
            gap = rows[chosen][:place] + "." + rows[chosen][place + 1 :]
            kept = table(" ".join(["e"] * len(marks)), rows | {chosen: gap})
            assert recipe.make([kept])(kept).chosen == chosen
