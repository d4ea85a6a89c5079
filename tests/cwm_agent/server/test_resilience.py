"""Clients that leave, an engine that dies, a server that is told to stop."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import httpx
import pytest
from live import Live

LONG = {"messages": [{"role": "user", "content": "Tell me all."}], "max_tokens": 3000,
        "ignore_eos": True, "stream": True}  # fmt: skip


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def leave(server: Live, number: int) -> None:
    """Ask, read some or nothing, go."""
    draw = random.Random(number)
    body = LONG | {"stream": draw.random() < 0.7, "n": draw.choice([1, 1, 2])}
    try:
        with (
            server.client() as client,
            client.stream(
                "POST", "/v1/chat/completions", json=body, timeout=draw.choice([0.05, 0.3])
            ) as answer,
        ):
            for _ in zip(range(draw.randint(0, 6)), answer.iter_lines(), strict=False):
                pass
    except httpx.TimeoutException:
        pass


def left_over(server: Live) -> tuple[int, int, int]:
    service, admission = server.running.service, server.running.admission
    seen = server.do(service.link.forget())
    return seen.sessions, seen.pages, admission.open


def test_clients_that_leave_leave_nothing_behind(server: Live) -> None:
    for number in range(12):
        leave(server, number)
    until(lambda: left_over(server) == (0, 0, 0))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_thousand_clients_that_leave_leave_nothing_behind(server: Live) -> None:
    for number in range(100, 1100):
        leave(server, number)
    until(lambda: left_over(server) == (0, 0, 0))


@pytest.mark.slow
def test_an_engine_that_is_killed_is_replaced(server: Live) -> None:
    link = server.running.service.link
    ask = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 4, "temperature": 0}
    with server.client() as client:
        before = client.post("/v1/chat/completions", json=ask).json()["choices"]
        with client.stream("POST", "/v1/chat/completions", json=LONG) as running:
            lines = running.iter_lines()
            next(lines)
            assert link.pid is not None
            os.kill(link.pid, signal.SIGKILL)
            rest = [line for line in lines if line.startswith("data:")]
        assert json.loads(rest[-1].removeprefix("data:"))["error"]["code"] == "engine_unavailable"
        away = client.post("/v1/chat/completions", json=ask)
        if link.state != "ready":
            assert (away.status_code, bool(away.headers["retry-after"])) == (503, True)
            assert client.get("/ready").status_code == 503
        assert client.get("/health").status_code == 200
        until(lambda: client.get("/ready").status_code == 200)
        assert client.post("/v1/chat/completions", json=ask).json()["choices"] == before


@pytest.mark.slow
def test_a_server_that_is_told_to_stop_lets_requests_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cwm_agent", "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    while not said or " at http" not in said[-1]:
        said.append(process.stderr.readline())
        assert said[-1], said
    url = said[-1].split(" at ")[1].strip()
    begun: list[str] = []
    done: list[bool] = []

    def ask() -> None:
        body = LONG | {"max_tokens": 400}
        with httpx.stream("POST", f"{url}/chat/completions", json=body, timeout=120) as answer:
            lines = []
            for line in answer.iter_lines():
                if line and not lines:
                    begun.append(line)
                if line:
                    lines.append(line)
        done.append(lines[-1] == "data: [DONE]")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    until(lambda: len(begun) >= 8)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join(120)
    assert done == [True] * 8
    assert process.wait(60) == 0
