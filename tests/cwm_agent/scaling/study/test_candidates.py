"""The samples of an issue, as they are shown to people."""

from __future__ import annotations

from cwm_agent.scaling.study.candidates import candidate_lines

from ..marks import table


def test_what_behaves_alike_stands_on_one_line_with_its_evidence() -> None:
    made = table(
        "e e g d v",
        {"a": "++ + x 8", "b": "++ + x 6", "c": "+- - y 2", "0": "++ - . ."},
        same={"b": "a"},
    )
    good, bad = (made.candidates[n].behaviour for n in (0, 2))
    lines = candidate_lines(made, {good: 0.91, bad: 0.04}, "a", {"a": True, "b": True, "c": False})
    assert lines == [
        "→  samples a, b  old tests 2/2  issue's tests 1/1  grade 0.70  P(right) 0.91  right",
        "   sample c      old tests 1/2  issue's tests 0/1  grade 0.20  P(right) 0.04  wrong",
        "   sample 0: nothing that counts is changed",
        "   3d gives x (a); y (c)",
    ]


def test_without_a_patch_or_evidence_there_is_still_a_line() -> None:
    assert candidate_lines(table("", {"0": "", "1": ""}), {}) == [
        "   samples 0, 1: nothing that counts is changed"
    ]
    assert candidate_lines(table("", {"a": ""}), {}) == ["   sample a"]
