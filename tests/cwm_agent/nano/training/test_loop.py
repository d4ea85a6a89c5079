"""Whole runs on a toy source: learning, going on, and being killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from synthetic import SyntheticSource

from cwm_agent.nano.training.curves import read_log
from cwm_agent.nano.training.feed import FeedSettings
from cwm_agent.nano.training.loop import LOG, Run, TrainSettings, train
from cwm_agent.nano.training.network import Shape
from cwm_agent.nano.training.state import Counters, StateError, load_state, newest_state
from cwm_agent.nano.training.worker import SourceError, Workers

SOURCE = SyntheticSource(vocabulary=96, shortest=40, longest=120, phrases=8)
CHILD = """
import sys
from pathlib import Path
from cwm_agent.nano.training.feed import FeedSettings
from cwm_agent.nano.training.loop import TrainSettings, train
from cwm_agent.nano.training.muon import Rates
from cwm_agent.nano.training.loop import Schedule
from cwm_agent.nano.training.network import Shape

sys.path.insert(0, {tests!r})
from synthetic import SyntheticSource

if __name__ == "__main__":
    train(Path({folder!r}), {settings!r}, {source!r}, minutes=5)
"""


def settings_of(shape: Shape) -> TrainSettings:
    return TrainSettings(
        shape,
        total_minutes=1,
        compiled=False,
        wired=False,
        feed=FeedSettings(budget=1_024, copy_length=128),
    )


@dataclass
class Ticking:
    """A clock that goes on by 0.35 s at each look: three looks a step."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 0.35
        return self.now


def run_for(folder: Path, settings: TrainSettings, seconds: float) -> Counters:
    return train(folder, settings, SOURCE, seconds / 60, Ticking())


def test_a_run_learns_and_ends_on_time(tmp_path: Path, shape: Shape) -> None:
    settings = settings_of(shape)
    first = run_for(tmp_path, settings, 20)
    assert 18 < first.seconds < 22
    steps = first.step
    last = run_for(tmp_path, settings, 100)
    assert last.step > steps
    assert 59 < last.seconds < 62
    lines = read_log(tmp_path / LOG)
    assert [line.step for line in lines] == list(range(10, last.step + 1, 10))
    assert lines[-1].loss["sample"] < 0.7 * lines[0].loss["sample"]
    assert lines[1].lr == settings.rates.matrices
    assert lines[-1].lr < 0.4 * lines[1].lr


def test_the_budget_may_change_on_the_way(tmp_path: Path, shape: Shape) -> None:
    settings = replace(settings_of(shape), total_minutes=0.1)
    over = run_for(tmp_path, settings, 100)
    assert run_for(tmp_path, settings, 100).step == over.step
    more = run_for(tmp_path, replace(settings, total_minutes=0.2), 100)
    assert more.step > over.step
    assert 11 < more.seconds < 14


def test_a_state_is_exactly_what_was_saved(tmp_path: Path, shape: Shape) -> None:
    settings = settings_of(shape)
    run_for(tmp_path, settings, 2)
    saved = newest_state(tmp_path)
    assert saved is not None
    before = load_state(saved)
    Run(tmp_path, settings).save()
    after = load_state(saved)
    assert before.counters == after.counters
    assert before.tensors.keys() == after.tensors.keys()
    assert all(torch.equal(before.tensors[name], after.tensors[name]) for name in before.tensors)
    assert any(name.endswith("momentum_buffer") for name in before.tensors)
    assert any(name.endswith("embedding/exp_avg_sq") for name in before.tensors)


def test_another_shape_is_refused(tmp_path: Path, shape: Shape) -> None:
    settings = settings_of(shape)
    Run(tmp_path, settings).save()
    with pytest.raises(StateError, match="another shape"):
        Run(tmp_path, replace(settings, shape=replace(shape, ffn=32)))


def test_after_a_kill_it_goes_on_from_the_saved_state(tmp_path: Path, shape: Shape) -> None:
    settings = replace(settings_of(shape), total_minutes=10, save_minutes=0.005)
    script = tmp_path / "child.py"
    folder = tmp_path / "run"
    tests = str(Path(__file__).parent)
    script.write_text(
        CHILD.format(folder=str(folder), settings=settings, source=SOURCE, tests=tests)
    )
    child = subprocess.Popen([sys.executable, str(script)], cwd=Path.cwd(), start_new_session=True)
    try:
        deadline = time.monotonic() + 240
        while newest_state(folder) is None or not (folder / LOG).exists():
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    saved = newest_state(folder)
    assert saved is not None
    counters = load_state(saved).counters
    assert counters.step > 0
    # What a kill within a saving leaves behind must not be taken for a state.
    (folder / "state-99999999.part").mkdir()
    on = run_for(folder, settings, 2)
    assert on.step > counters.step
    assert on.seconds > counters.seconds
    assert [path.name for path in folder.glob("state-*")] == [f"state-{on.step:08d}"]


def test_workers_give_the_same_stream_again() -> None:
    def take(seed: int, count: int) -> list[int]:
        with Workers(SOURCE, seed, count) as workers:
            stream = iter(workers)
            return [sum(sample.ids) for _ in range(4) for sample in next(stream)]

    assert take(1, 2) == take(1, 2)
    assert take(1, 2) != take(2, 2)


def test_a_failing_source_is_reported_with_its_traceback() -> None:
    broken = replace(SOURCE, vocabulary=0)
    with Workers(broken, 1, 1) as workers, pytest.raises(SourceError, match="empty range"):
        next(iter(workers))


def test_the_log_is_one_object_a_line(tmp_path: Path, shape: Shape) -> None:
    run_for(tmp_path, settings_of(shape), 16)
    for line in (tmp_path / LOG).read_text().splitlines():
        assert {"step", "tokens", "loss", "lr", "tokens_per_second", "seconds"} == set(
            json.loads(line)
        )
