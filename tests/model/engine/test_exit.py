"""A process may end while its engine works: with its own exit code, and without abort().

Python ends a daemon thread where it next wants the interpreter; inside torch that unwinds
C++ frames that allow no exception, and libstdc++ says "terminate called without an active
exception". Without the orderly stop, 41 of 48 such processes died so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from engines import tiny_config, tiny_engine, tiny_weights

HERE = Path(__file__).parents[1]

PROGRAM = """
import os, signal, sys, threading
import torch
from engines import tiny_config, tiny_engine, tiny_weights
from model.engine.generation import Request
from model.step.sampler import Sampling
from model.engine.session import Session
from model.text.stops import IdWatcher

torch.set_num_threads(1)
config = tiny_config(16)
engine = tiny_engine(config, tiny_weights(config), pages=(4000, 4000), check=False)
engine.start()
tokens = threading.Semaphore(0)
for stream in range(4):
    session = Session(engine, stream=stream)
    session.append([1, 2, 3])
    request = Request(3500, Sampling(seed=3))
    session.generate(request, IdWatcher(), lambda token: tokens.release())
for _ in range(int(sys.argv[2])):
    tokens.acquire()
way = sys.argv[1]
if way == "exit":
    sys.exit(3)
if way == "error":
    raise ValueError("unhandled")
if way == "fork" and os.fork() == 0:
    sys.exit(0)  # the child has no engine's thread to wait for
if way == "fork":
    sys.exit(3 if os.wait()[1] == 0 else 4)
if way == "terminate":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
os.kill(os.getpid(), signal.SIGTERM if way == "terminate" else signal.SIGINT)
threading.Event().wait(60)
"""

CODES = {
    "exit": 3,
    "error": 1,
    "fork": 3,
    "interrupt": -signal.SIGINT,
    "terminate": 143,
}


def start(way: str, tokens: int) -> subprocess.Popen[str]:
    paths = [str(HERE), str(HERE.parents[1])]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, way, str(tokens)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stderr=subprocess.PIPE,
        text=True,
    )


def check(way: str, process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=300)
    assert "terminate called" not in errors
    assert process.returncode == CODES[way], errors


def test_a_process_ends_in_the_middle_of_an_answer() -> None:
    processes = {way: start(way, 40) for way in ("exit", "error")}
    for way, process in processes.items():
        check(way, process)


@pytest.mark.slow
@pytest.mark.parametrize("way", CODES)
def test_whenever_and_however_it_ends(way: str) -> None:
    for tokens in range(1, 400, 100):
        check(way, start(way, tokens))


def test_a_closed_engine_leaves_no_thread() -> None:
    """One that still frees tensors while the interpreter ends would call abort(), too."""
    config = tiny_config(16)
    before = set(threading.enumerate())
    engine = tiny_engine(config, tiny_weights(config))
    engine.start()
    assert set(threading.enumerate()) - before
    engine.close()
    assert not set(threading.enumerate()) - before
