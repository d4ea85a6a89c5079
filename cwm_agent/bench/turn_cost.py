"""What a turn costs in a real sandbox, and who spends it: the command, the snapshot, or the rest.

A policy answers at once and the attempts run one after the other, so that the
wall time of the run is divided without a remainder: what is spent in calls of
the sandbox, and what the runner, the loop and the journal need themselves.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from cwm_agent.attempt.environments import issue_environment
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.local.sandboxes import SandboxFactory
from cwm_agent.batch.semaphores import OncePerKey, Semaphore
from cwm_agent.bench.runner_overhead import RunnerBench, one_fsync_ms, run_all, set_stage
from cwm_agent.errors import UsageError
from cwm_agent.tasks.checkout import read_checkout
from cwm_agent.tasks.job import CheckoutRecord, Job
from envs.repository.releases import make_repository
from envs.sandbox.sandbox import Sandbox
from tools.workspace import CommandResult, PathKind

FILES = 200
COMMAND = "echo x >> notes.txt; ls | head"
"""Changes a file, so that every turn has a snapshot and a diff."""
Part = Literal["life", "command", "snapshot"]


@dataclass(frozen=True, slots=True)
class SandboxedFigures:
    """Milliseconds of a turn, but `life_ms`, of an attempt: open, fill, prepare and close.

    `own_ms` is the rest of the run's wall time, divided by all turns; of it `own_cpu_ms` is
    computing, and one fsync, which every turn has, takes `fsync_ms` on this disk.
    """

    sandbox: str
    trajectories: int
    turns: int
    seconds: float
    own_ms: float
    own_cpu_ms: float
    fsync_ms: float
    command_ms: float
    snapshot_ms: float
    life_ms: float

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


@dataclass(slots=True)
class Stopwatch:
    """Seconds spent in calls of one sandbox after the other, and this process's CPU in them."""

    cpu: float = 0.0
    spent: dict[Part, float] = field(
        default_factory=lambda: {"life": 0.0, "command": 0.0, "snapshot": 0.0}
    )

    @contextmanager
    def on(self, part: Part) -> Iterator[None]:
        """Add what the block takes."""
        began, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.spent[part] += time.perf_counter() - began
            self.cpu += time.process_time() - cpu


class TimedSandbox:
    """A sandbox whose calls are timed: its life up to the first command and its end, then turns."""

    def __init__(self, inner: Sandbox, watch: Stopwatch) -> None:
        self._inner = inner
        self._watch = watch
        self._work: Part = "life"

    @property
    def kind(self) -> str:
        """See Sandbox."""
        return self._inner.kind

    @property
    def cwd(self) -> str:
        """See Workspace."""
        return self._inner.cwd

    def open(self) -> None:
        """See Sandbox."""
        with self._watch.on("life"):
            self._inner.open()

    def close(self) -> None:
        """See Sandbox."""
        with self._watch.on("life"):
            self._inner.close()

    def kill(self) -> None:
        """See Sandbox."""
        self._inner.kill()

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace."""
        self._work = "snapshot"  # what the harness does in the sandbox from now on
        with self._watch.on("command"):
            return self._inner.run(command, timeout=timeout)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        with self._watch.on(self._work):
            return self._inner.control(command, timeout=timeout)

    def run_fresh(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        with self._watch.on(self._work):
            return self._inner.run_fresh(command, timeout=timeout)

    def restart_shell(self, *, cwd: str) -> None:
        """See Sandbox."""
        with self._watch.on(self._work):
            self._inner.restart_shell(cwd=cwd)

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        with self._watch.on(self._work):
            return self._inner.path_kind(path)

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        with self._watch.on(self._work):
            return self._inner.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        with self._watch.on(self._work):
            self._inner.write_file(path, data)

    def put_tree(self, source: str, target: str) -> None:
        """See Sandbox."""
        with self._watch.on(self._work):
            self._inner.put_tree(source, target)

    def __enter__(self) -> Sandbox:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def measure_sandboxed(
    bench: RunnerBench, kind: str, progress: Callable[[str], None]
) -> SandboxedFigures:
    """Samples of one issue in sandboxes of this kind; raises SandboxError when there are none."""
    if bench.workers != 1:
        raise UsageError(
            "sandboxes are measured one after the other, or their times overlap; "
            "leave --workers out"
        )
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(prefix="cwm-agent-bench-") as scratch:
        folder = Path(scratch)
        stage = set_stage(folder, bench, COMMAND, progress)
        checkout = read_checkout(_repository(folder / "project"), dirty=False)
        source = CheckoutRecord(str(checkout.root), checkout.commit)
        job = Job("bench", "issue", stage.policy, kind, checkout=source)
        sandboxes = SandboxFactory(
            stage.run.name, stage.rules.resolved.settings.sandbox, OncePerKey(Semaphore(1))
        )
        sandboxes(AttemptState(job, 0))  # the image or environment, once and not of any turn

        def timed(attempt: AttemptState) -> Callable[[], Sandbox]:
            make = sandboxes(attempt)
            return lambda: TimedSandbox(make(), watch)

        def ended(number: int) -> None:
            progress(f"{number} of {bench.trajectories}")

        began, cpu = time.perf_counter(), time.process_time()
        run_all(
            bench, stage, [job], timed, issue_environment,
            samples=bench.trajectories, ended=ended,
        )  # fmt: skip
        seconds, computed = time.perf_counter() - began, time.process_time() - cpu
        fsync_ms = one_fsync_ms(folder / "probe")
    turns = bench.trajectories * bench.turns
    return SandboxedFigures(
        sandbox=kind,
        trajectories=bench.trajectories,
        turns=bench.turns,
        seconds=round(seconds, 2),
        own_ms=round((seconds - sum(watch.spent.values())) / turns * 1000, 3),
        own_cpu_ms=round((computed - watch.cpu) / turns * 1000, 3),
        fsync_ms=round(fsync_ms, 3),
        command_ms=round(watch.spent["command"] / turns * 1000, 3),
        snapshot_ms=round(watch.spent["snapshot"] / turns * 1000, 3),
        life_ms=round(watch.spent["life"] / bench.trajectories * 1000, 3),
    )


def sandboxed_lines(figures: SandboxedFigures) -> list[str]:
    """The figures for a reader."""
    return [
        f"{figures.trajectories} trajectories of {figures.turns} turns in {figures.sandbox}, "
        f"one after the other: {figures.seconds:.1f} s",
        f"own time of a turn       {figures.own_ms:.2f} ms "
        f"(of it computing {figures.own_cpu_ms:.2f} ms)",
        f"one fsync of this disk   {figures.fsync_ms:.2f} ms",
        f"its command              {figures.command_ms:.2f} ms",
        f"snapshot in the sandbox  {figures.snapshot_ms:.2f} ms",
        f"opening to closing, of an attempt {figures.life_ms:.0f} ms",
    ]


def _repository(folder: Path) -> Path:
    """A small project."""
    for number in range(FILES):
        path = folder / f"package{number % 10}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"value = {number}\n" * 20)
    make_repository(folder, "Start")
    return folder
