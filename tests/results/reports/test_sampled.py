"""pass@k, cons@k and intervals over samples of problems."""

from __future__ import annotations

from dataclasses import replace

import pytest

from results.reports.bootstrap import difference_of, mean_of
from results.reports.sampled import Sample, sampled
from results.reports.sampled_markdown import sampled_headline, sampled_tables

RIGHT, WRONG = True, False


def samples(problem: str, outcomes: str, **values: object) -> list[Sample]:
    """`R` is right, `l` right if read leniently, `-` no answer, others are wrong answers."""
    made = Sample(problem, "easy", "own", "2024-10-05", WRONG, WRONG, strict=True)
    return [
        replace(
            made,
            right=letter == "R",
            lenient=letter in "Rl",
            strict=letter not in "l-",
            answer="" if letter in "l-" else letter,
            **values,  # type: ignore[arg-type]
        )
        for letter in outcomes
    ]


def test_pass_at_1_is_a_mean_over_problems_and_pass_at_k_is_unbiased() -> None:
    found = sampled(
        [*samples("a", "RRab"), *samples("b", "aaaa"), *samples("c", "Rlab")], votes=True
    )
    assert (found.samples, found.pass_at_1.n) == (4, 3)
    assert found.pass_at_1.value == found.pass_at["1"].value == 0.25
    assert found.pass_at["2"].value == round((5 / 6 + 0 + 1 / 2) / 3, 4)
    assert found.pass_at["4"].value == round(2 / 3, 4)
    assert found.lenient.value == round((2 / 4 + 0 + 2 / 4) / 3, 4)
    assert found.strict.value == round(11 / 12, 4)
    assert found.shares == {"a": 0.5, "b": 0.0, "c": 0.25}
    assert 0.0 <= found.pass_at_1.low <= 0.25 <= found.pass_at_1.high <= 0.5


@pytest.mark.parametrize(
    ("outcomes", "value"),
    [("RRab", 1.0), ("RabR", 1.0), ("Raab", 0.0), ("Rabc", 0.25), ("Raa-", 0.0), ("----", 0.0),
     ("R---", 1.0), ("lllR", 1.0), ("RRaa", 0.5)],
)  # fmt: skip
def test_the_most_frequent_answer_counts_and_ties_in_part(outcomes: str, value: float) -> None:
    found = sampled(samples("a", outcomes), votes=True)
    assert found.cons_at["4"].value == value
    assert found.cons_at["1"].value == pytest.approx(outcomes.count("R") / 4, abs=0.1)
    assert sampled(samples("a", outcomes), votes=False).cons_at == {}


def test_groups_and_costs() -> None:
    hard = [replace(s, difficulty="hard", date="2025-01-31") for s in samples("b", "aR", cut=True)]
    easy = samples("a", "RR", tokens=10, cpu_seconds=0.5)
    found = sampled([*easy, *[replace(s, tokens=30) for s in hard]], votes=True)
    assert {name: e.value for name, e in found.difficulties.items()} == {"easy": 1.0, "hard": 0.5}
    assert {name: e.value for name, e in found.dates.items()} == {"2024-10": 1.0, "2025-01": 0.5}
    assert (found.tokens_right, found.tokens_wrong, found.cut) == (16.7, 30.0, 0.5)
    text = "\n".join([*sampled_headline(found), *sampled_tables(found)])
    assert "**pass@1 75.0 %" in text
    assert "| hard | 50.0 %" in text


def test_intervals() -> None:
    assert mean_of([]).n == 0
    one = mean_of([1.0])
    assert (one.low, one.high) == (0.0, 1.0)
    never = mean_of([0.0] * 30)
    assert (never.low, round(never.high, 2)) == (0.0, 0.11), "Wilson's, where nothing varies"
    half = mean_of([0.0, 1.0] * 100)
    assert (round(half.low, 1), round(half.high, 1)) == (0.4, 0.6)
    gain = difference_of([1.0, 1.0, 0.5, 1.0], [0.0, 1.0, 0.5, 0.5])
    assert gain.value == 0.375
    assert gain.low < 0.375 < gain.high
