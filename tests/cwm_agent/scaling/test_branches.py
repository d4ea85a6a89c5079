"""Samples that share turns are no independent witnesses, and where a further one branches from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from cwm_agent.scaling.branches import branch_point
from cwm_agent.scaling.labels import Labels, count_anew
from cwm_agent.scaling.posterior.parameters import initial
from cwm_agent.scaling.posterior.posterior import believe
from cwm_agent.scaling.selection.registry import recipe_named
from cwm_agent.scaling.study.candidates import candidate_lines
from cwm_agent.scaling.study.curves import curves, fewer
from cwm_agent.scaling.study.study import study
from cwm_agent.scaling.table import Table
from results.codec import decode, encode
from results.records import Branched, Event, Observed, Replied, Reply, Snapshot

from .marks import table


def branched(made: Table, parents: Mapping[str, str], turn: int = 2) -> Table:
    """The table in which some candidates go on from others."""
    candidates = (
        replace(c, parent=parents[c.id], branch_turn=turn, shared_tokens=6)
        if c.id in parents
        else c
        for c in made.candidates
    )
    return replace(made, candidates=tuple(candidates))


ROWS = {"a": "+-", "b": "+-", "c": "+-", "d": "-+", "e": "-+"}
SAME = {"b": "a", "c": "a", "e": "d"}
FAMILY = {"b": "a", "c": "b"}


def test_a_family_counts_once_for_each_behaviour_in_the_posterior() -> None:
    made = table("g g", ROWS, same=SAME)
    alone = fewer(made, [0, 3, 4])
    family = believe(branched(made, FAMILY), initial())
    assert family == believe(alone, initial())
    assert family.chance != believe(made, initial()).chance


def test_a_family_has_one_vote_in_a_majority() -> None:
    made = table("g g", ROWS, same=SAME)
    for name in ("majority-ast", "majority-behaviour"):
        recipe = recipe_named(name)
        assert recipe.make([made])(made).chosen == "a"
        shared = branched(made, FAMILY)
        assert recipe.make([shared])(shared).chosen == "d"


def test_what_one_of_a_family_wrote_says_nothing_of_the_others() -> None:
    """Sample 0 wrote the test, maybe in turns that b shares: it was made to pass there, too."""
    made = table("e b0 g", {"a": "+ + +", "b": "+ + -", "c": "+ - -"})
    b = made.candidates[1].behaviour
    shared = branched(made, {"b": "a"})
    assert believe(shared, initial()).chance[b] < believe(made, initial()).chance[b]


def test_a_study_draws_no_branch_alone_and_counts_shared_tokens_once() -> None:
    made = branched(table("g g", ROWS, same=SAME), {"b": "a", "c": "a"})
    labels = Labels("issue", {"a": False, "b": True, "c": True, "d": False, "e": False})
    assert count_anew(made, labels) == (0, 3)
    found = study([(made, labels)])
    assert (found.single, found.pass_k) == (0.0, 1.0)
    recipe = recipe_named("first")
    points = curves([(made, labels)], [recipe])["first"]
    assert points[-1].tokens == 5 * 10 - 2 * 6
    # With one sample drawn none is a branch, so every draw costs a whole sample.
    assert points[0].tokens == 10


def test_a_view_says_where_a_sample_branched() -> None:
    made = branched(table("g g", ROWS, same=SAME), {"e": "d"})
    lines = candidate_lines(made, {})
    assert any("samples d, e (from d, turn 2)" in line for line in lines)


def journal(*trees: str) -> list[Event]:
    found: list[Event] = [Observed(())]
    for turn, tree in enumerate(trees, 1):
        found += [Replied(turn, Reply("")), Snapshot(turn, tree, "", "/")]
        found += [Observed(())]
    return found


JOURNALS: Sequence[list[Event]] = [
    journal("", "", "left"),
    journal("", "right"),
    journal("left", "left"),
]


def test_the_next_sample_goes_on_from_where_the_likeliest_part() -> None:
    made = table("e", {"a": "+", "b": "+"})
    candidates = tuple(replace(c, behaviour=c.id) for c in made.candidates)
    made = replace(made, candidates=candidates)
    belief = replace(believe(made, initial()), chance={"a": 0.4, "b": 0.3})
    assert branch_point(made, belief, JOURNALS.__getitem__) == Branched(0, 2)
    # One that was gone on with already leaves the next to its rival.
    more = table("e", {"a": "+", "b": "+", "c": "+"})
    three = tuple(replace(c, behaviour=c.id) for c in more.candidates)
    more = branched(replace(more, candidates=three), {"c": "a"})
    assert branch_point(more, belief, JOURNALS.__getitem__) == Branched(1, 1)


@pytest.mark.parametrize(
    ("chance", "parents", "journals"),
    [
        ({"a": 0.5, "b": 0.05}, {}, JOURNALS),
        ({"a": 0.5, "c": 0.4}, {}, [journal("one"), journal("", "two"), journal("three")]),
        ({"a": 0.5, "b": 0.4}, {"b": "a", "c": "a"}, JOURNALS),
    ],
    ids=["no rival", "part at once", "most are branches"],
)
def test_it_begins_anew_where_there_is_more_to_learn(
    chance: dict[str, float], parents: dict[str, str], journals: Sequence[list[Event]]
) -> None:
    made = table("e", {"a": "+", "b": "+", "c": "+"})
    made = replace(made, candidates=tuple(replace(c, behaviour=c.id) for c in made.candidates))
    belief = replace(believe(made, initial()), chance=chance)
    assert branch_point(branched(made, parents), belief, journals.__getitem__) is None


def test_a_table_with_branches_survives_its_file() -> None:
    made = branched(table("g", {"a": "+", "b": "-"}), {"b": "a"})
    again = decode(Table, json.loads(json.dumps(encode(made))))
    assert again == made
    assert again.candidates[1].own_tokens == 4
