"""`bench nano`, small: real attempts, one object on stdout."""

from __future__ import annotations

import json
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from results.reports.metrics import share


def test_it_prints_the_figures_that_others_read() -> None:
    command = [sys.executable, "-m", "cwm_agent", "bench", "nano", "--json"]
    command += ["--tasks", "1", "--samples", "2", "--programs", "3", "--sets", "seen,unseen"]
    command += ["--sandbox", "bubblewrap"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout)
    assert answer["n"] == 2
    assert 0 <= answer["solved_share"] <= 1
    assert 0 <= answer["unseen_templates_share"] <= 1
    assert answer["frame_accuracy"] > 0
    assert answer["seconds_per_issue"] > 0
    seen = answer["sets"]["seen"]
    assert seen["solved"]["n"] == seen["best_of"]["n"] == seen["any_of"]["n"] == 1
    assert seen["any_of"]["count"] >= seen["best_of"]["count"]
    assert seen["tokens_per_second"] > 0


def test_an_unknown_set_is_refused() -> None:
    command = [sys.executable, "-m", "cwm_agent", "bench", "nano", "--sets", "easy"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert "unknown set 'easy'" in finished.stderr


@given(n=st.integers(1, 500), data=st.data())
def test_an_interval_holds_its_share_and_shrinks_with_n(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    one, ten = share(count, n), share(10 * count, 10 * n)
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert ten.high - ten.low <= one.high - one.low
