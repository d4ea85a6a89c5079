"""What every recipe is shown beside, by hand; and the posterior where reason has one answer."""

from __future__ import annotations

from typing import Any

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.scaling.selection.choice import Choice
from cwm_agent.scaling.selection.recipes.baselines import oracle
from cwm_agent.scaling.selection.registry import RECIPES, recipe_named

from ..marks import table

Case = tuple[str, dict[str, str], dict[str, Any], str | None]

CASES: dict[str, list[Case]] = {
    "first": [
        ("e", {"a": "-", "b": "+"}, {}, "a"),
        ("e", {"0": "+", "b": "-"}, {}, "b"),
        ("", {"b": "", "a": ""}, {}, "b"),
        ("", {"0": ""}, {}, None),
        ("", {}, {}, None),
    ],
    "shortest": [
        ("e", {"a": "+", "b": "-"}, {"size": {"a": 9, "b": 8}}, "b"),
        ("", {"a": "", "b": ""}, {"size": {"a": 8, "b": 8}}, "a"),
        ("", {"0": "", "b": ""}, {"size": {"0": 0, "b": 8}}, "b"),
        ("", {"a": ""}, {}, "a"),
        ("", {"0": ""}, {}, None),
    ],
    "most-tests": [
        ("e g b0", {"a": "+--", "b": "-++"}, {}, "b"),
        ("e e", {"a": "+-", "b": "-+"}, {}, "a"),
        # one of two there: the missing one counts as the others' mean, so 1.5 against 1
        ("e e", {"a": "+-", "b": "+.", "c": "-+"}, {}, "b"),
        # grades and inputs are no tests
        ("e d v", {"a": "-x9", "b": "+y0"}, {}, "b"),
        ("e", {"0": "+"}, {}, None),
    ],
    "own-tests": [
        # a fails its own test; what b does there does not matter
        ("b0 b1", {"a": "-+", "b": "-+"}, {}, "b"),
        # half of two against one of one
        ("b0 b0 b1", {"a": "+- +", "b": "++ +"}, {}, "b"),
        # who wrote none has 0
        ("b1", {"a": "+", "b": "+"}, {}, "b"),
        ("e g", {"a": "--", "b": "++"}, {"size": {"a": 1}}, "a"),
        ("b0", {"0": "+"}, {}, None),
    ],
    "majority": [
        # bytes: the same code in other bytes is another patch
        ("", {"a": "", "b": "", "c": ""}, {"same": {"c": "b"}}, "a"),
        ("", {"a": "", "b": ""}, {}, "a"),
        ("e", {"a": "-", "b": "+"}, {}, "a"),
        ("", {"0": "", "1": "", "b": ""}, {}, "b"),
        ("", {"0": ""}, {}, None),
    ],
    "posterior": [
        # two tests that fail before against one
        ("g g e", {"a": "+- +", "b": "++ +"}, {}, "b"),
        # nothing tells them apart but how often they came
        ("e", {"a": "+", "b": "+", "c": "+"}, {"same": {"c": "b"}}, "b"),
        # a lone candidate that passes everything beats three that fail what reproduces the issue
        ("e e g g g", {"a": "++---", "b": "++---", "c": "++---", "d": "+++++"}, {}, "d"),
        # a grade alone
        ("v", {"a": "1", "b": "9"}, {}, "b"),
        ("", {"a": ""}, {}, "a"),
        ("g", {"0": "+"}, {}, None),
    ],
}


@pytest.mark.parametrize("name", CASES)
def test_a_baseline_chooses_by_its_one_rule(name: str) -> None:
    wrong = {}
    for number, (columns, rows, options, expected) in enumerate(CASES[name]):
        made = table(columns, rows, **options)
        chosen = recipe_named(name).make([made])(made).chosen
        if chosen != expected:
            wrong[number] = (chosen, expected)
    assert wrong == {}


def test_random_is_the_same_each_time_and_not_the_same_everywhere() -> None:
    select = recipe_named("random").make([])
    rows = dict.fromkeys("abcd", "")
    chosen = [select(table("", rows, instance=f"issue {n}")).chosen for n in range(40)]
    again = [select(table("", rows, instance=f"issue {n}")).chosen for n in range(40)]
    assert chosen == again
    assert set(chosen) == set("abcd")


def test_the_oracle_takes_a_right_one_where_there_is_one() -> None:
    made = table("", {"0": "", "a": "", "b": ""})
    for right, expected in (({"b": True}, "b"), ({"a": True, "b": True}, "a"), ({}, "a")):
        assert oracle({"issue": right}).make([])(made).chosen == expected


def test_reasons_name_the_rule_and_whom_it_put_out() -> None:
    made = table("e g", {"a": "-+", "b": "+-", "c": "++", "d": "++"})
    choice = recipe_named("agentless").make([])(made)
    assert [(s.rule, s.removed) for s in choice.steps] == [
        ("fewest regression failures", ("a",)),
        ("passes the reproduction test", ("b",)),
        ("earliest sample", ("d",)),
    ]
    assert choice.tied == ("c", "d")


def test_every_recipe_stands_an_empty_table_and_names_are_told() -> None:
    for recipe in RECIPES:
        assert recipe.make([])(table("", {})).chosen is None
        assert isinstance(recipe.make([])(table("g v d", {"a": "..."})), Choice)
    with pytest.raises(UsageError, match="kozuchi"):
        recipe_named("best")
