"""Answers compared by math-verify in processes of their own, and the rows they come from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from envs.errors import RowError
from envs.mathematics.grader import Comparer, Given, MathematicsGrader, MathematicsVerdict
from envs.mathematics.rows import read_mathematics_problems
from envs.problem.problem import Kind, Problem

FOREVER = "9^{9^{9^{9^9}}}"


@pytest.fixture(scope="module")
def comparer() -> Iterator[Comparer]:
    made = Comparer(20.0)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("gold", "answer", "integer", "outcome"),
    [
        (r"\frac{1}{2}", "0.5", False, "right"),
        (r"\frac{1}{2}", "0.51", False, "wrong"),
        ("(-1,4)", "[-1,4]", False, "wrong"),
        (r"\$3.50", "3.5", False, "right"),
        ("$7$", "7", False, "right"),
        ("-2,4", "4, -2", False, "right"),
        (r"\text{even}", "even", False, "right"),
        ("7", "}{ \\frac", False, "wrong"),
        ("073", "73", True, "right"),
        ("73", "0073", True, "right"),
        ("073", "74", True, "wrong"),
        ("073", "-73", True, "wrong"),
        ("073", r"\frac{146}{2}", True, "right"),
        ("073", "seventy-three", True, "wrong"),
    ],
)
def test_the_same_answer(
    comparer: Comparer, gold: str, answer: str, integer: bool, outcome: str
) -> None:
    assert comparer.compare(gold, answer, integer=integer).outcome == outcome


def test_what_takes_forever_is_ended(comparer: Comparer) -> None:
    comparer.seconds = 0.3
    verdict = comparer.compare("5", FOREVER, integer=False)
    comparer.seconds = 20.0
    assert (verdict.outcome, verdict.detail) == ("timeout", "no verdict within 0.3 s")


@pytest.mark.slow
def test_what_takes_forever_is_tried_again_alone() -> None:
    def problem(gold: str) -> Problem:
        return Problem(gold, "mathematics", "", "", gold)

    found: dict[str, tuple[MathematicsVerdict, int]] = {}
    MathematicsGrader(workers=1, seconds=0.5).grade(
        [Given("slow", FOREVER, problem("5")), Given("quick", "7.0", problem("7"))],
        lambda item, verdict, tries: found.update({item.name: (verdict, tries)}),
    )
    assert found["quick"][0].outcome in ("right", "timeout"), "a busy machine may be too slow"
    assert (found["slow"][0].outcome, found["slow"][1]) == ("timeout", 2)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {
                "unique_id": "test/a/1.json",
                "problem": "P",
                "answer": "7",
                "level": 3,
                "subject": "A",
            },
            ("test/a/1.json", "P", "7", "3", "A", ""),
        ),
        (
            {"id": 60.0, "problem": "P", "answer": "073", "year": 2024},
            ("60", "P", "073", "", "", "2024"),
        ),
        ({"question": "P", "answer": 7}, ("1", "P", "7", "", "", "")),
    ],
)
def test_rows_of_several_copies(row: dict[str, object], expected: tuple[str, ...]) -> None:
    (found,) = read_mathematics_problems([row], "integer", "rows")
    seen = (found.id, found.statement, found.gold, found.difficulty, found.group, found.date)
    assert seen == expected


@pytest.mark.parametrize(
    ("rows", "kind", "said"),
    [
        ([{"problem": "P"}], "mathematics", "row 1 lacks answer"),
        ([{"answer": "7"}], "mathematics", "row 1 lacks problem"),
        ([{"problem": "P", "answer": "1000"}], "integer", "no integer from 0 to 999"),
        ([{"problem": "P", "answer": "x"}], "integer", "no integer from 0 to 999"),
        ([{"id": 1, "problem": "P", "answer": "1"}] * 2, "integer", "stands twice"),
    ],
)
def test_bad_rows_are_named(rows: list[dict[str, object]], kind: Kind, said: str) -> None:
    with pytest.raises(RowError, match=said):
        read_mathematics_problems(rows, kind, "rows")
