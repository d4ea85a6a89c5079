"""Several ranks say what one says; and whatever ends, nothing hangs and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
from engines import CONFIG, CPU, tiny_weights

from model.checkpoint.source import WeightSource
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.errors import ConfigError, EngineError
from model.parallel.parallel import ParallelRunner
from model.parallel.rank import RankSpec, spec_to_json
from model.parallel.worker_processes import WorkerProcesses
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

ROOT = Path(__file__).parents[3]
CONFIG_8 = replace(CONFIG, heads=8, kv_heads=4, vocabulary=41)  # 41: the head divides unevenly
SOURCE = WeightSource(CPU, torch.float64, seed=3)
GREEDY = Sampling(temperature=0.0)
WARM = Sampling(temperature=0.9, top_p=0.95, seed=7)
SOON = 10.0  # seconds within which an end must show


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def engine_of(size: int, host_bytes: int = 2**21) -> Engine:
    """Pools too small for all sessions of a test, so that some must go to the host."""
    return build_engine(
        CONFIG_8,
        SOURCE,
        EngineOptions(
            kv_bytes=300_000 // size,  # of each rank: the pages are the same for any size
            host_bytes=host_bytes // size,
            page_size=4,
            scheduling=SchedulerSettings(token_budget=40, chunk=16, max_passed_over=2),
            speculation=DraftSettings(ngram=2),
            tensor_parallel=size,
        ),
    )


def ask(session: Session, sampling: Sampling, tokens: int = 25) -> Future[Generation]:
    return session.generate(Request(tokens, sampling), IdWatcher())


def conversation(engine: Engine) -> list[tuple[int, ...]]:
    """The contexts of several sessions after prompts of many chunks, forks, swaps, a rollback."""
    sessions = [Session(engine, stream=stream) for stream in range(3)]
    for session, length in zip(sessions, (70, 40, 25), strict=True):
        session.append([(i * i + length) % 5 for i in range(length)])
    for sampling in (GREEDY, WARM):
        for session in sessions:
            ask(session, sampling)
        engine.run_until_idle()
        sessions += sessions[0].fork(1)
        for turn, session in enumerate(sessions):
            session.append([turn, 2, 3, 2, 3])
    sessions[1].rollback(50)
    answers = [ask(session, WARM) for session in sessions]
    engine.run_until_idle()
    assert [answer.result().finish for answer in answers] == ["length"] * 5
    assert engine.core.stats.moves > 500  # pages went to the host and came back
    assert sum(session.counters.accepted for session in sessions) > 0
    contexts = [session.ids for session in sessions]
    for session in sessions:
        session.close()
    return contexts


def workers_of(engine: Engine) -> WorkerProcesses:
    assert isinstance(engine.core.runner, ParallelRunner)
    assert isinstance(engine.core.runner.workers, WorkerProcesses)
    return engine.core.runner.workers


def assert_gone(pids: tuple[int, ...], folder: Path) -> None:
    """All ends within seconds."""
    until = time.monotonic() + SOON
    while any(map(psutil.pid_exists, pids)) or folder.exists():
        assert time.monotonic() < until, "a worker or its folder is still there"
        time.sleep(0.05)


@pytest.mark.parametrize("size", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_ranks_say_what_one_says_until_one_is_killed(size: int) -> None:
    with engine_of(1) as engine:
        expected = conversation(engine)
    engine = engine_of(size)
    workers = workers_of(engine)
    assert len(workers.pids) == size - 1
    assert conversation(engine) == expected

    sessions = [Session(engine, stream=stream) for stream in range(2)]
    for session in sessions:
        session.append([1, 2, 3])
    engine.start()
    began = [session.generate(Request(220, WARM), IdWatcher()) for session in sessions]
    os.kill(workers.pids[-1], signal.SIGKILL)
    for future in began:
        with pytest.raises(EngineError, match=rf"rank {size - 1} of {size} was killed by SIGKILL"):
            future.result(timeout=SOON)
    assert sessions[0].ids == (1, 2, 3)
    with pytest.raises(EngineError, match="SIGKILL"):
        ask(sessions[1], WARM)
    assert_gone(workers.pids, workers.folder)
    engine.close()


def test_closing_the_engine_ends_its_workers_and_removes_their_files() -> None:
    engine = engine_of(2)
    workers = workers_of(engine)
    engine.close()
    assert_gone(workers.pids, workers.folder)
    engine.close()


def test_what_cannot_be_divided_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match=r"4 key/value heads .* among 3 ranks"):
        engine_of(3)
    with pytest.raises(ConfigError, match="WeightSource"):
        build_engine(CONFIG, tiny_weights(CONFIG), EngineOptions(tensor_parallel=2))


SPEC = spec_to_json(RankSpec(CONFIG_8, 2, SOURCE, 4, (20, 20), (0, 0), 1))


def test_a_worker_that_raises_at_its_start_is_quoted() -> None:
    missing = replace(SOURCE, folder=Path("/nowhere"))
    workers = WorkerProcesses(spec_to_json(RankSpec(CONFIG_8, 2, missing, 4, (20,), (0,), 1)), 2, 9)
    with pytest.raises(EngineError, match=r"rank 1 of 2 failed: CheckpointError: .*/nowhere"):
        workers.wait_until_ready(60)
    assert_gone(workers.pids, workers.folder)


def test_a_worker_that_hangs_at_its_start_is_given_up() -> None:
    workers = WorkerProcesses(SPEC, 2, 9)
    os.kill(workers.pids[0], signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(EngineError, match="rank 1 of 2 gave no sign of life"):
        workers.wait_until_ready(60)
    assert time.monotonic() - began < SOON
    assert_gone(workers.pids, workers.folder)


RANK_0 = """
import sys, time
from model.parallel.worker_processes import WorkerProcesses
workers = WorkerProcesses(sys.argv[1], 2, 9)
if sys.argv[2] == "ready":
    workers.wait_until_ready(60)
print(*workers.pids, workers.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("stage", "end"),
    [
        pytest.param("ready", lambda pid: os.kill(pid, signal.SIGKILL), id="killed"),
        pytest.param("starting", lambda pid: os.killpg(pid, signal.SIGINT), id="ctrl-c"),
    ],
)
def test_workers_end_when_rank_0_does(stage: str, end: Callable[[int], None]) -> None:
    rank_0 = subprocess.Popen(
        [sys.executable, "-c", RANK_0, SPEC, stage],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    )
    assert rank_0.stdout is not None
    with rank_0:
        pid, folder = rank_0.stdout.readline().split()
        end(rank_0.pid)
    assert_gone((int(pid),), Path(folder))
