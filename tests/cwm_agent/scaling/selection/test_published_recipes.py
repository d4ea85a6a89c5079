"""Each published recipe on tables small enough to work through by hand."""

from __future__ import annotations

from typing import Any

import pytest

from cwm_agent.scaling.selection.registry import recipe_named

from ..marks import table

Rows = dict[str, str]

CWM: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # b passes one more existing test
    ("e e g", {"a": "+- +", "b": "++ +"}, {}, "b"),
    # the five majority tests are those for b; the two odd ones for a have no say
    ("g g g g g g g", {"a": "+++++ --", "b": "----- ++", "c": "+++++ --"}, {}, "a"),
    # equal tests: the majority patch
    ("e g", {"a": "++", "b": "++", "c": "++"}, {"same": {"c": "b"}}, "b"),
    # equal tests and votes: the fewest tokens
    ("e", {"a": "+", "b": "+"}, {"tokens": {"a": 20, "b": 10}}, "b"),
    # all equal: the earliest sample
    ("e", {"a": "+", "b": "+"}, {}, "a"),
    # what changes nothing is never chosen, whatever it passes
    ("e g", {"0": "++", "a": "-+"}, {}, "a"),
    ("e", {"0": "+", "1": "+"}, {}, None),
    # without any test it is a vote
    ("", {"a": "", "b": "", "c": ""}, {"same": {"c": "b"}}, "b"),
]
AGENTLESS: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # a passes the reproduction test but breaks an old one
    ("e e g", {"a": "-+ +", "b": "++ -"}, {}, "b"),
    # equal regressions: the reproduction test decides
    ("e g", {"a": "+-", "b": "++"}, {}, "b"),
    # it decides among those with the fewest failures even where all have one
    ("e e g", {"a": "-- +", "b": "-+ -", "c": "+- +"}, {}, "c"),
    # nothing passes it: all stay, the majority wins
    ("e g", {"a": "+-", "b": "+-", "c": "+-"}, {"same": {"c": "b"}}, "b"),
    # equal votes: the earliest
    ("e g", {"a": "++", "b": "++"}, {}, "a"),
    # a missing old test is no failure
    ("e e", {"a": "+-", "b": ".+"}, {}, "b"),
    ("e g", {"0": "++"}, {}, None),
]
HYBRID: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # of eight the better half by grade stays; there b passes the most old tests
    (
        "v e",
        dict(zip("abcdefgh", ("9-", "8+", "7-", "6-", "5+", "4+", "3+", "2+"), strict=True)),
        {},
        "b",
    ),
    # at least three stay, though half is two: c is still there
    ("v e", {"a": "9-", "b": "8-", "c": "7+", "d": "6+"}, {}, "c"),
    # old tests come before new ones
    ("e g", {"a": "-+", "b": "+-", "c": "--"}, {}, "b"),
    # new ones come before the grade
    ("e g v", {"a": "+-9", "b": "++1"}, {}, "b"),
    # then the grade
    ("e g v", {"a": "++1", "b": "++9"}, {}, "b"),
    # without a grade all are equal there
    ("e", {"a": "+", "b": "+"}, {}, "a"),
    ("v", {"0": "9", "a": "1"}, {}, "a"),
]
KOZUCHI: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # 0.3 x 1 + 0.7 x 0.5 = 0.65 < 0.3 x 0 + 0.7 x 1 = 0.7
    ("b0 r0 r0", {"a": "+ +-", "b": "- ++"}, {}, "b"),
    # 0.3 x 1 + 0.7 x 2/3 = 0.77 > 0.7
    ("b0 r0 r0 r0", {"a": "+ ++-", "b": "- +++"}, {}, "a"),
    # the mean is over runs: one test of run 1 weighs as much as three of run 0
    ("b0 b0 b0 b1", {"a": "++- -", "b": "--+ +"}, {}, "b"),
    # equal scores: the shortest raw patch
    ("b0", {"a": "+", "b": "+"}, {"size": {"a": 30, "b": 20}}, "b"),
    # equal sizes, too: the earliest
    ("r0", {"a": "+", "b": "+"}, {}, "a"),
    # no test at all: the shortest
    ("", {"a": "", "b": ""}, {"size": {"a": 9, "b": 8}}, "b"),
    ("b0", {"0": "+"}, {}, None),
]
CRITIC: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    ("e v", {"a": "-9", "b": "+1"}, {}, "b"),
    ("e g v", {"a": "+-9", "b": "++1"}, {}, "b"),
    ("e g v", {"a": "++3", "b": "++4"}, {}, "b"),
    # no grade of b: it counts as the others' mean, 0.4
    ("g v v", {"a": "+ 33", "b": "+ ..", "c": "+ 55"}, {}, "c"),
    ("e g", {"a": "++", "b": "++"}, {}, "a"),
    ("v", {"0": "9"}, {}, None),
]
TRAE: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # the regression filter comes first
    ("e g g", {"a": "- ++", "b": "+ +-"}, {}, "b"),
    # votes: test 1 for a, test 2 for b, the grade for b
    ("g g v", {"a": "+-1", "b": "-+2"}, {}, "b"),
    # a vote is shared: a 1/2 + 1, b 1/2, c nothing
    ("g g", {"c": "--", "b": "+-", "a": "++"}, {}, "a"),
    # duplicates have no more votes than one of them
    ("g", {"a": "+", "b": "+", "c": "+"}, {"same": {"b": "a"}, "tokens": {"c": 1}}, "c"),
    # twelve patches in two groups: the last of the second group wins both rounds
    (
        "g g",
        {**dict.fromkeys("abcdefghijk", "+-"), "l": "++"},
        {},
        "l",
    ),
    ("g", {"0": "+"}, {}, None),
]
S_STAR: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # tests first
    ("e d", {"a": "-x", "b": "+y", "c": "-x"}, {}, "b"),
    # the output that more candidates give wins the pair
    ("e d", {"a": "+x", "b": "+y", "c": "+y"}, {}, "b"),
    # two inputs: a wins both pairs on the first, loses both on the second; c wins more
    ("d d", {"a": "xp", "b": "xq", "c": "xq"}, {}, "b"),
    # no input: the earliest of those that pass the most tests
    ("e e", {"a": "+-", "b": "++", "c": "++"}, {}, "b"),
    # an output is missing: the pair is not compared
    ("d", {"a": ".", "b": "x"}, {}, "a"),
    ("d", {"0": "x"}, {}, None),
]
MAJORITY: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    ("", {"a": "", "b": "", "c": ""}, {"same": {"c": "b"}}, "b"),
    ("", {"a": "", "b": "", "c": "", "d": ""}, {"same": {"c": "a", "d": "b"}}, "a"),
    ("", {"0": "", "1": "", "a": ""}, {}, "a"),
    ("", {"a": ""}, {}, "a"),
    ("", {"0": ""}, {}, None),
]
BEHAVIOUR: list[tuple[str, Rows, dict[str, Any], str | None]] = [
    # b and c have other code and do the same
    ("e g", {"a": "++", "b": "+-", "c": "+-"}, {}, "b"),
    # they are also told apart by outputs
    ("e d", {"a": "+x", "b": "+y", "c": "+z", "d": "+z"}, {}, "c"),
    # flaky cells tell nothing apart
    ("e e", {"a": "-~", "b": "+~", "c": "+-"}, {}, "b"),
    # nothing was run: by code
    ("", {"a": "", "b": "", "c": ""}, {"same": {"c": "b"}}, "b"),
    ("e", {"0": "+", "1": "+"}, {}, None),
]
CASES = {
    "cwm": CWM,
    "agentless": AGENTLESS,
    "hybrid": HYBRID,
    "kozuchi": KOZUCHI,
    "filter-then-critic": CRITIC,
    "trae": TRAE,
    "s-star": S_STAR,
    "majority-ast": MAJORITY,
    "majority-behaviour": BEHAVIOUR,
}


@pytest.mark.parametrize("name", CASES)
def test_a_recipe_chooses_what_its_paper_says(name: str) -> None:
    select = {}
    for number, (columns, rows, options, expected) in enumerate(CASES[name]):
        made = table(columns, rows, **options)
        choice = recipe_named(name).make([made])(made)
        select[number] = (choice.chosen, expected)
    assert {n: both for n, both in select.items() if both[0] != both[1]} == {}
    assert len(CASES[name]) >= 5
