"""`bench nano`, small: real attempts, one object on stdout."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.cli.main import run
from results.reports.metrics import share


@pytest.mark.parametrize("sets", ["seen", pytest.param("seen,unseen", marks=pytest.mark.slow)])
def test_it_prints_the_figures_that_others_read(
    sets: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sizes = ("--tasks", "1", "--samples", "2", "--programs", "3", "--sets", sets)
    code = run(("bench", "nano", "--json", *sizes, "--sandbox", "bubblewrap"))
    stdout, stderr = capfd.readouterr()
    assert code == 0, stderr
    answer = json.loads(stdout)
    assert answer["n"] == len(answer["sets"]) == len(sets.split(","))
    assert 0 <= answer["solved_share"] <= 1
    unseen = answer["unseen_templates_share"]
    assert 0 <= unseen <= 1 if "unseen" in sets else unseen is None
    assert answer["frame_accuracy"] > 0
    assert answer["seconds_per_issue"] > 0
    seen = answer["sets"]["seen"]
    assert seen["solved"]["n"] == seen["best_of"]["n"] == seen["any_of"]["n"] == 1
    assert seen["any_of"]["count"] >= seen["best_of"]["count"]
    assert seen["tokens_per_second"] > 0


def test_an_unknown_set_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(("bench", "nano", "--sets", "easy")) == 2
    assert "unknown set 'easy'" in capfd.readouterr().err


@given(n=st.integers(1, 500), data=st.data())
def test_an_interval_holds_its_share_and_shrinks_with_n(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    one, ten = share(count, n), share(10 * count, 10 * n)
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert ten.high - ten.low <= one.high - one.low
