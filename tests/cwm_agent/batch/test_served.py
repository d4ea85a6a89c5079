"""A run whose model is served by other processes, one of which is killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from completion_server import Model, Server, serving
from helpers import ROOT, SECONDS, Batch, write_suite

from cwm_agent.policies import bundled
from results.records import Replied

NANO = ("--sandbox", "bubblewrap", "--model", "nano")
TASK = "nano-seen-7"


@pytest.fixture
def server() -> Iterator[Server]:
    model = Model(bundled.folder())
    with closing(model.engine), serving(Server(model)) as server:
        yield server


@pytest.fixture
def mortal() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and its URL; it gives one answer, then keeps silent."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/cwm_agent/completion_server.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    yield process, process.stdout.readline().strip()
    process.kill()
    process.communicate()


def said(batch: Batch, run: str, sample: int = 0) -> list[tuple[int, ...]]:
    events = batch.events(run, TASK, sample)
    return [event.reply.ids for event in events if isinstance(event, Replied)]


def within(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def wait_for_both(batch: Batch, run: subprocess.Popen[str]) -> None:
    """Until each sample has a reply, so that each server has given one."""
    deadline = time.monotonic() + SECONDS
    while not all(said(batch, "served", sample) for sample in range(2)):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline, "the run does not get there"
        time.sleep(0.02)


def test_samples_go_on_elsewhere_when_their_server_is_killed(
    batch: Batch, server: Server, mortal: tuple[subprocess.Popen[str], str]
) -> None:
    suite, _ = write_suite(batch.folder, range(7, 8))
    process, url = mortal
    served = ("run", suite, *NANO, "--name", "served", "--samples", 2, "--workers", 2)
    run = batch.start(*served, "--url", url, "--url", server.url, "--json")
    wait_for_both(batch, run)
    process.kill()
    stdout, stderr = run.communicate(timeout=SECONDS)
    assert run.returncode == 0, stderr
    status = json.loads(stdout.splitlines()[-1])["status"]
    assert {engine["name"] for engine in status["engines"]} == {url, server.url}
    assert [result.cause for result in batch.results("served")] == [None, None]
    # The server that stayed has been shown every turn but the last of both, token for token.
    for sample in range(2):
        replies = said(batch, "served", sample)
        prompts = [tuple(body["prompt"]) for body in server.bodies]
        assert any(all(within(ids, prompt) for ids in replies[:-1]) for prompt in prompts)
    assert {result.policy for result in batch.results("served")} == {"endpoint:nano"}


def test_a_model_that_nobody_serves_leaves_no_run(batch: Batch) -> None:
    suite, _ = write_suite(batch.folder, range(7, 8))
    nobody = ("--url", "http://127.0.0.1:9/v1", "--name", "run")
    _, stderr = batch("run", suite, *NANO, *nobody, code=5)
    assert "no server answers: http://127.0.0.1:9/v1" in stderr
    assert not (batch.folder / "runs" / "run").exists()
