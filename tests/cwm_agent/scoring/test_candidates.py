"""What is graded: each patch once, stripped where asked, nothing that has a verdict."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.errors import UsageError
from cwm_agent.scoring.candidates import (
    UNKNOWN,
    candidates,
    control_candidates,
    empty_score,
    to_grade,
    unwanted,
)
from envs.swebench.rows import read_instances
from results.predictions import Prediction, digest, number
from results.records import Verdict
from results.scores import Score, ScoreBook, ScoreOutcome

from ...envs.swebench_rows import GOLD, row

INSTANCES = read_instances([row("a__x-1"), row("a__x-2", image="other"), row("a__x-3")], "rows")
BY_ID = {instance.id: instance for instance in INSTANCES}


def section(path: str) -> str:
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-x\n+y\n"


def test_what_a_patch_should_not_carry_is_left_out_only_when_asked() -> None:
    patch = GOLD + section("conftest.py") + section("tests/test_x.py") + section("setup.cfg")
    prediction = Prediction("a__x-1", patch, "m")
    (plain,) = candidates([prediction], BY_ID)
    (stripped,) = candidates([prediction], BY_ID, strip=True)
    assert (plain.scored, stripped.scored) == (patch, GOLD)
    assert plain.key != stripped.key
    assert [(found.path, found.reason) for found in unwanted(patch).dropped] == [
        ("conftest.py", "test"),
        ("tests/test_x.py", "test"),
        ("setup.cfg", "config"),
    ]


def test_a_patch_of_tests_alone_is_empty_once_it_is_stripped() -> None:
    (stripped,) = candidates([Prediction("a__x-1", section("conftest.py"), "m")], BY_ID, strip=True)
    score = empty_score(stripped)
    assert score is not None
    assert (score.outcome, score.verdict.detail) == ("empty", "nothing is left of the patch")


def test_controls_are_the_reference_and_nothing() -> None:
    gold, noop = (control_candidates(control, INSTANCES[:1])[0] for control in ("gold", "noop"))
    assert (gold.scored, gold.apply) == (GOLD, True)
    assert (noop.scored, noop.apply) == ("", False)
    assert empty_score(noop) is None


def test_a_prediction_of_another_suite_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no instance b__y-1, which was predicted.*--dataset"):
        candidates([Prediction("b__y-1", "", "m")], BY_ID)


cases = st.lists(st.tuples(st.sampled_from(sorted(BY_ID)), st.sampled_from("xyz")), max_size=12)
outcomes = st.sampled_from(["resolved", "unresolved", "infrastructure"])


@given(
    cases,
    st.dictionaries(st.tuples(st.sampled_from(sorted(BY_ID)), st.sampled_from("xyz")), outcomes),
)
def test_exactly_what_has_no_verdict_is_graded_and_once(
    predicted: list[tuple[str, str]], known: dict[tuple[str, str], ScoreOutcome]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = ScoreBook(Path(folder))
        for (name, patch), outcome in known.items():
            score = Score(name, digest(patch), BY_ID[name].key, outcome, Verdict(False))
            book.add(replace(score, under=UNKNOWN))
        found = candidates(number(Prediction(n, p, "m") for n, p in predicted), BY_ID)
        left = [(item.instance.id, item.scored) for item in to_grade(found, book)]
    final = {place for place, outcome in known.items() if outcome != "infrastructure"}
    assert len(left) == len(set(left))
    assert set(left) == set(predicted) - final
    images = [BY_ID[name].image for name, _ in left]
    assert len([i for i, image in enumerate(images) if image not in images[:i]]) == len(
        [i for i, image in enumerate(images) if i == 0 or image != images[i - 1]]
    )
