"""Costs: GPU hours are those of the run, however many attempts shared them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.attempt.attempt import active_spans
from cwm_agent.config.settings import CostSettings
from cwm_agent.scoring.cost import busy_seconds, costs_of, covered
from results.journal import Entry
from results.records import AttemptStarted, Ended, RunInfo, SettingRecord
from results.store import Run, Store

from ..cli.conftest import RESULT

STARTED = AttemptStarted("a", 0, "nano", "docker", "default", "improved", 1, "boot")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two attempts that were at work at the same moment."""
    settings = {"engine.tensor_parallel": SettingRecord(4, "--set")}
    run = Store(tmp_path).create(RunInfo("2026-11-24T10:00:00Z", (), settings), "run")
    with run.attempt("a").journal() as first, run.attempt("b").journal() as second:
        for journal in (first, second):
            journal.append(STARTED)
        time.sleep(0.02)
        for journal in (first, second):
            journal.append(Ended("submitted"))
    return run


def test_gpu_hours_are_shared_by_the_seconds_of_the_attempts(run: Run) -> None:
    attempts = {
        (name, 0): replace(RESULT, instance=name, seconds=seconds)
        for name, seconds in (("a", 30.0), ("b", 10.0))
    }
    busy = busy_seconds(run)
    assert 0 < busy < 60
    found = costs_of(CostSettings(per_gpu_hour=3600.0), run, attempts)
    assert found.by_attempt == pytest.approx({("a", 0): 3 * busy, ("b", 0): busy})
    assert found.basis.startswith("3600 USD for a GPU hour, 4 GPU, ")
    two = costs_of(CostSettings(per_gpu_hour=3600.0, gpus=2), run, attempts)
    assert sum(two.by_attempt.values()) == pytest.approx(2 * busy)


def test_without_a_price_or_a_run_there_is_no_cost(run: Run) -> None:
    attempts = {("a", 0): RESULT}
    assert costs_of(CostSettings(), run, attempts).by_attempt == {}
    assert costs_of(CostSettings(per_gpu_hour=1.0), None, attempts).by_attempt == {}


def test_the_time_between_two_processes_is_nobodys() -> None:
    events = [(0, STARTED), (5, Ended("interrupted")), (50, STARTED), (52, Ended("submitted"))]
    entries = [
        Entry(number, f"2026-11-24T10:00:{second:02}Z", event)
        for number, (second, event) in enumerate(events)
    ]
    assert [end - begin for begin, end in active_spans(entries)] == [5, 2]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted).map(tuple)))
def test_the_length_of_a_union(spans: list[tuple[int, int]]) -> None:
    seconds = {second for begin, end in spans for second in range(begin, end)}
    assert covered(spans) == len(seconds)
