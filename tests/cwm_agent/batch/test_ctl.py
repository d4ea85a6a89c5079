"""`cwm-agent ctl` on a run that goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from helpers import Batch, write_suite

from cwm_agent.batch.control import ask
from cwm_agent.batch.ctl import request_of


@pytest.fixture
def running(batch: Batch) -> Iterator[Batch]:
    """Three slow attempts, one at a time; in the end all are resolved or all are cancelled."""
    suite, recordings = write_suite(batch.folder, range(1, 4), seconds=1.0)
    command = ("run", suite, "--replay", recordings, "--sandbox", "bubblewrap", "--name", "run")
    process = batch.start(*command, "--workers", 1, "--json")
    batch.wait_for_turns("run", 1, process)
    yield batch
    stdout, stderr = process.communicate(timeout=120)
    counts = json.loads(stdout.splitlines()[-1])["status"]["counts"]
    found = (process.returncode, counts["resolved"], counts["cancelled"])
    assert found in {(0, 3, 0), (130, 0, 3)}, stderr


def ctl(batch: Batch, action: str, value: str | None = None, *, now: bool = False) -> Any:
    """What the command sends and gets, without the time that a new process takes."""
    answer = ask(batch.folder / "runs" / "run", request_of(action, value, now=now))
    assert answer["ok"] is True
    return answer


def wait_until(batch: Batch, state: str, count: int) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        status: dict[str, Any] = ctl(batch, "status")["status"]
        if status["counts"][state] == count:
            return status
        time.sleep(0.05)
    raise AssertionError(status)


def test_a_run_is_paused_changed_and_resumed(running: Batch) -> None:
    status = ctl(running, "status")["status"]
    (busy,) = status["active"]
    assert (status["phase"], busy["id"], busy["state"]) == ("running", "nano-seen-1/0", "running")
    assert busy["silent"] < 60
    assert ctl(running, "pause", now=True)["status"]["phase"] == "paused"
    assert wait_until(running, "waiting", 3)["active"] == []
    assert ctl(running, "cancel", "nano-seen-2")["changed"] == ["nano-seen-2/0"]
    assert ctl(running, "status")["status"]["counts"]["cancelled"] == 1
    assert ctl(running, "workers", "3")["status"]["workers"] == 3
    assert ctl(running, "resume")["status"]["phase"] == "running"
    talking: set[str] = set()
    while talking != {"nano-seen-1/0", "nano-seen-3/0"}:  # both at once, in the engine too
        busy = wait_until(running, "running", 2)["active"]
        talking = {attempt["id"] for attempt in busy if attempt["turn"]}
    assert ctl(running, "requeue", "nano-seen-2/0")["changed"] == ["nano-seen-2/0"]


def test_what_makes_no_sense_is_said(running: Batch) -> None:
    said = {
        ("run", "cancel", "nobody"): "no attempt 'nobody'",
        ("run", "workers", "many"): "workers needs a number",
        ("run", "workers", "0"): "at least one worker",
        ("run", "stop"): "ctl has no action 'stop'",
        ("other", "status"): "there is no run",
    }
    pause, *refused, status = running.in_turn(
        [
            ("ctl", "run", "pause", "--now", "--json"),
            *(("ctl", *arguments) for arguments in said),
            ("ctl", "run", "status"),
        ]
    )
    assert pause.returncode == 0, pause
    paused = json.loads(pause.stdout)
    assert (paused["ok"], paused["status"]["phase"]) == (True, "paused")
    for answer, text in zip(refused, said.values(), strict=True):
        assert (answer.returncode, text in answer.stderr) == (2, True), answer
    assert (status.returncode, "paused 0/3: " in status.stdout) == (0, True), status
    for seed in range(1, 4):
        ctl(running, "cancel", f"nano-seen-{seed}")


def test_a_run_that_is_over_says_that_nobody_works_on_it(batch: Batch) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 2))
    batch("run", suite, "--replay", recordings, "--sandbox", "bubblewrap", "--name", "run")
    assert "no process is working on run run" in batch("ctl", "run", "status", code=4)[1]
