"""The round trip of a command: through our persistent shell, and as one `docker exec` each."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envs.docker import DockerSandbox, connect_engine
from envs.errors import SandboxError
from envs.images import base_image
from envs.owner import boot_id
from envs.progress import Progress
from envs.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

COMMAND = "true"
WARM_UP = 5
COMMAND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds over all calls; `p95` is the nearest rank."""

    median: float
    p95: float


@dataclass(frozen=True, slots=True)
class ShellFigures:
    """`exec_ms` and `ratio` (median exec / median persistent) are None without Docker."""

    sandbox: str
    calls: int
    command: str
    open_ms: float
    persistent_ms: Spread
    exec_ms: Spread | None
    ratio: float | None


def measure_docker(*, image: str | None, calls: int, progress: Progress) -> ShellFigures:
    """Both ways in the same container; `image` defaults to the base image, made on first use.

    Raises SandboxError when no engine answers.
    """
    client = connect_engine()
    try:
        place = DockerSandbox(
            image or base_image(client, progress),
            limits=SandboxLimits(),
            owner=_owner(),
            root="/tmp",
            client=client,
        )
        open_ms = _milliseconds(place.open)
        with place:
            container = place.run("hostname", timeout=COMMAND_SECONDS).output.strip()
            progress(f"{calls} calls through the persistent shell")
            persistent = _spread(calls, lambda: _run(place))
            progress(f"{calls} calls as one docker exec each")
            each = _spread(calls, lambda: _exec(client, container))
    finally:
        client.close()
    ratio = round(each.median / persistent.median, 1)
    return ShellFigures("docker", calls, COMMAND, open_ms, persistent, each, ratio)


def measure_bubblewrap(*, calls: int, progress: Progress) -> ShellFigures:
    """The persistent shell alone: bubblewrap has no exec to compare with. Raises SandboxError."""
    from envs.bubblewrap import BubblewrapSandbox

    place = BubblewrapSandbox(limits=SandboxLimits(), owner=_owner(), root="/testbed")
    open_ms = _milliseconds(place.open)
    with place:
        progress(f"{calls} calls through the persistent shell")
        persistent = _spread(calls, lambda: _run(place))
    return ShellFigures("bubblewrap", calls, COMMAND, open_ms, persistent, None, None)


def _run(place: Sandbox) -> None:
    result = place.run(COMMAND, timeout=COMMAND_SECONDS)
    if result.ending != "exited" or result.exit_code != 0:
        raise SandboxError(f"the command {COMMAND!r} ended as {result.ending}; run the bench again")


def _exec(client: DockerClient, container: str) -> None:
    exit_code, _ = client.containers.get(container).exec_run(["bash", "-c", COMMAND])
    if exit_code != 0:
        raise SandboxError(f"docker exec ended with {exit_code}; run the bench again")


def _spread(calls: int, call: Callable[[], None]) -> Spread:
    for _ in range(WARM_UP):
        call()
    times = sorted(_milliseconds(call) for _ in range(calls))
    return Spread(round(statistics.median(times), 3), round(times[math.ceil(0.95 * calls) - 1], 3))


def _milliseconds(call: Callable[[], None]) -> float:
    start = time.perf_counter()
    call()
    return round((time.perf_counter() - start) * 1e3, 3)


def _owner() -> Owner:
    return Owner("bench", "shell", 0, os.getpid(), boot_id())
