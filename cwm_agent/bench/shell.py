"""The round trip of a command, in our persistent shell and as one `docker exec` each; branches."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cwm_agent.bench.branching import BranchFigures, measure_branches
from cwm_agent.bench.timing import Spread, milliseconds, spread
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.recipes import base_image
from envs.progress import Say
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient


from collections.abc import Iterator

COMMAND = "true"
WARM_UP = 5
COMMAND_SECONDS = 30.0
PARALLEL = 4
Make = Callable[[str | None], Sandbox]


@dataclass(frozen=True, slots=True)
class ShellFigures:
    """Figures beside one `docker exec` per command are None without Docker.

    `ratio`: median exec / median persistent. `parallel_per_second`: commands
    through the shells of `parallel` sandboxes at once; `parallel_ratio`: how
    many times those of the exec peer, which has the machine for itself.
    """

    sandbox: str
    calls: int
    command: str
    persistent_ms: Spread
    exec_ms: Spread | None
    ratio: float | None
    parallel: int
    parallel_per_second: float
    exec_per_second: float | None
    parallel_ratio: float | None
    branches: BranchFigures

    def to_json(self) -> dict[str, object]:
        """One flat object."""
        branches: dict[str, object] = asdict(self.branches)
        return {key: value for key, value in asdict(self).items() if key != "branches"} | branches


@dataclass(frozen=True, slots=True)
class ShellBench:
    """How often to measure: calls of a command, and rounds of what takes longer."""

    calls: int = 200
    rounds: int = 200


def measure_docker(bench: ShellBench, *, image: str | None, progress: Say) -> ShellFigures:
    """Both ways in the same container; `image` defaults to the base image, made on first use.

    Raises SandboxError when no engine answers.
    """
    with closing(connect_engine()) as client:
        usual = image or base_image(client, progress)

        def make(other: str | None) -> Sandbox:
            return DockerSandbox(
                other or usual, limits=SandboxLimits(), owner=_owner(), client=client
            )

        return _measure(bench, make, client, progress)


def measure_bubblewrap(bench: ShellBench, *, progress: Say) -> ShellFigures:
    """The persistent shell alone: bubblewrap has no exec to compare with. Raises SandboxError."""
    from envs.bubblewrap.sandbox import BubblewrapSandbox

    def make(other: str | None) -> Sandbox:
        del other
        return BubblewrapSandbox(limits=SandboxLimits(), owner=_owner())

    return _measure(bench, make, None, progress)


def _measure(
    bench: ShellBench, make: Make, client: DockerClient | None, progress: Say
) -> ShellFigures:
    calls = bench.calls
    exec_times: list[float] = []
    with make(None) as place:
        progress(f"{calls} calls through the persistent shell")
        persistent = spread(_times(calls, lambda: _run(place)))
        if client is not None and isinstance(place, DockerSandbox):
            name = place.container_id
            progress(f"{calls} calls as one docker exec each")
            exec_times = _times(calls, lambda: _exec(client, name))
    progress(f"{calls} calls through each of {PARALLEL} shells at once")
    parallel = _parallel(calls, make)
    branches = measure_branches(make, client, rounds=bench.rounds, progress=progress)
    each = spread(exec_times) if exec_times else None
    per_second = round(len(exec_times) / sum(exec_times) * 1e3, 1) if exec_times else None
    return ShellFigures(
        sandbox="docker" if client is not None else "bubblewrap",
        calls=calls,
        command=COMMAND,
        persistent_ms=persistent,
        exec_ms=each,
        ratio=round(each.median / persistent.median, 1) if each else None,
        parallel=PARALLEL,
        parallel_per_second=parallel,
        exec_per_second=per_second,
        parallel_ratio=round(parallel / per_second, 1) if per_second else None,
        branches=branches,
    )


def _parallel(calls: int, make: Make) -> float:
    """Commands a second through PARALLEL shells, each driven by a thread of its own."""
    with ExitStack() as stack:
        places = [stack.enter_context(make(None)) for _ in range(PARALLEL)]
        pool = stack.enter_context(ThreadPoolExecutor(PARALLEL))

        def drive(place: Sandbox, times: int) -> None:
            for _ in range(times):
                _run(place)

        list(pool.map(drive, places, [WARM_UP] * PARALLEL))
        start = time.perf_counter()
        list(pool.map(drive, places, [calls] * PARALLEL))
        return round(PARALLEL * calls / (time.perf_counter() - start), 1)


def _run(place: Sandbox) -> None:
    result = place.run(COMMAND, timeout=COMMAND_SECONDS)
    if result.ending != "exited" or result.exit_code != 0:
        raise SandboxError(f"the command {COMMAND!r} ended as {result.ending}; run the bench again")


def _exec(client: DockerClient, container: str) -> None:
    exit_code, _ = client.containers.get(container).exec_run(["bash", "-c", COMMAND])
    if exit_code != 0:
        raise SandboxError(f"docker exec ended with {exit_code}; run the bench again")


def _times(calls: int, call: Callable[[], None]) -> list[float]:
    for _ in range(WARM_UP):
        call()
    return [milliseconds(call) for _ in range(calls)]


def _owner() -> Owner:
    return Owner("bench", "shell", 0, os.getpid(), boot_id())


def shell_lines(figures: ShellFigures) -> Iterator[str]:
    """A line a figure, the longest-running last."""
    branches = figures.branches
    rows = [
        ("persistent shell", figures.persistent_ms),
        ("docker exec each", figures.exec_ms),
        ("open a sandbox", branches.open_ms),
        (f"snapshot of {branches.files} files", branches.snapshot_ms),
        ("branch from a snapshot", branches.branch_ms),
        ("commit a container", branches.commit_ms),
        ("branch from a commit", branches.commit_branch_ms),
    ]
    yield f"{figures.calls} x `{figures.command}` in {figures.sandbox}, milliseconds"
    for name, found in rows:
        if found is not None:
            yield (
                f"  {name:<24}   median {found.median:9.3f}   p95 {found.p95:9.3f}   "
                f"{found.rounds} rounds"
            )
    if figures.ratio is not None:
        yield f"  the persistent shell is {figures.ratio} times as fast"
    line = (
        f"  {figures.parallel} shells at once: {figures.parallel_per_second:.0f} commands a second"
    )
    if figures.parallel_ratio is not None:
        line += f", {figures.parallel_ratio} times those of docker exec"
    yield line
