"""What the batch runner itself costs: a policy and an environment that answer at once.

Everything else is real: threads, semaphores, journals with their fsync, results,
the reporter. Beside it the same attempts in a plain loop, one after the other,
without a runner; what the disk needs for one fsync is measured for itself.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import yaml

from cwm_agent.attempt.attempt import MakeEnvironment, Rules, Setting, play, result_of
from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.judge import Judgement
from cwm_agent.batch.attempt_state import OVER, AttemptState, attempts_of
from cwm_agent.batch.local.policies import Policies
from cwm_agent.batch.local.shared_files import SharedFiles
from cwm_agent.batch.local.work import Semaphores, Work
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.status import StatusReporter
from cwm_agent.config.resolve import load_settings
from cwm_agent.config.settings import BatchSettings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.job import Job
from envs.environment import ReplyLimits, Step
from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox
from results.records import Message, Reply, Snapshot, ToolRan
from results.store import Run, Store

ASIDE = 20
"""Attempts of the plain loop."""
OBSERVATION = "x" * 2000
SYNCS = 100


@dataclass(frozen=True, slots=True)
class RunnerBench:
    """What to measure."""

    trajectories: int
    turns: int
    workers: int


@dataclass(frozen=True, slots=True)
class RunnerFigures:
    """Milliseconds are of one turn; `rss` in MiB after each tenth of the trajectories."""

    trajectories: int
    turns: int
    workers: int
    seconds: float
    own_ms: float
    cpu_ms: float
    loop_ms: float
    fsync_ms: float
    rss: tuple[float, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


class InstantEnvironment:
    """Answers every reply at once with a text and a changed file; ends after `turns`."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._turn = 0

    def start(self) -> tuple[Message, ...]:
        """See Environment."""
        return (Message("system", OBSERVATION), Message("user", OBSERVATION))

    def limits(self) -> ReplyLimits:
        """See Environment."""
        return ReplyLimits(1000)

    def step(self, reply: Reply) -> Step:
        """See Environment."""
        del reply
        self._turn += 1
        ran = ToolRan(self._turn, "bash", True, 0.0, ending="exited", exit_code=0)
        state = Snapshot(self._turn, f"{self._turn:040}", OBSERVATION, "/testbed")
        over = self._turn == self._turns
        told = Message("tool: bash", OBSERVATION)
        return Step((told,), (ran, state), "submitted" if over else None)

    def restore(self, events: object) -> tuple[Message, ...]:
        """Nothing here is ever resumed."""
        raise NotImplementedError(f"not after {events}")

    def patch(self) -> str:
        """See Environment."""
        return OBSERVATION

    def close(self) -> None:
        """Nothing is held."""


def measure_runner(bench: RunnerBench, progress: Callable[[str], None]) -> RunnerFigures:
    """Run the trajectories in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="cwm-agent-bench-") as scratch:
        folder = Path(scratch)
        stage = set_stage(folder, bench, "ls", progress)
        loop_ms = _plain_loop(bench, stage)
        began, cpu = time.perf_counter(), time.process_time()
        rss = _run(bench, stage, progress)
        seconds, spent = time.perf_counter() - began, time.process_time() - cpu
        turns = bench.trajectories * bench.turns
        return RunnerFigures(
            trajectories=bench.trajectories,
            turns=bench.turns,
            workers=bench.workers,
            seconds=round(seconds, 2),
            own_ms=round(seconds / turns * 1000, 3),
            cpu_ms=round(spent / turns * 1000, 3),
            loop_ms=round(loop_ms, 3),
            fsync_ms=round(one_fsync_ms(folder / "probe"), 3),
            rss=tuple(rss),
        )


def runner_lines(figures: RunnerFigures) -> list[str]:
    """The figures for a reader."""
    growth = figures.rss[-1] - figures.rss[0]
    later = figures.trajectories - figures.trajectories // len(figures.rss)
    return [
        f"{figures.trajectories} trajectories of {figures.turns} turns, {figures.workers} workers: "
        f"{figures.seconds:.1f} s",
        f"own time of a turn     {figures.own_ms:.2f} ms (of it computing {figures.cpu_ms:.2f} ms)",
        f"in a plain loop        {figures.loop_ms:.2f} ms",
        f"one fsync of this disk {figures.fsync_ms:.2f} ms",
        f"memory after each tenth, MiB: {', '.join(f'{size:.1f}' for size in figures.rss)}",
        f"growth {growth:.1f} MiB over the last {later} trajectories",
    ]


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of its own, and a recording of `turns` equal replies that answers in it."""

    run: Run
    rules: Rules
    policies: Policies
    policy: PolicyChoice


def set_stage(
    folder: Path, bench: RunnerBench, command: str, progress: Callable[[str], None]
) -> Stage:
    """A stage in `folder` on which every reply runs `command`."""
    talk = folder / "talk.yaml"
    reply = f"<tool: bash>\n{command}\n</tool>"
    talk.write_text(yaml.safe_dump({"replies": [reply] * bench.turns}))
    rules = Rules.of(load_settings(flags={"limits.turns": bench.turns}))
    run = Store(folder / "runs").create(rules.run_info(), "bench")
    policies = Policies(rules.resolved.settings, progress)
    return Stage(run, rules, policies, PolicyChoice("replay", str(talk)))


def run_all(
    bench: RunnerBench,
    stage: Stage,
    jobs: Sequence[Job],
    sandboxes: Callable[[AttemptState], Callable[[], Sandbox]],
    environment: MakeEnvironment,
    *,
    samples: int = 1,
    ended: Callable[[int], None] = lambda _number: None,
) -> None:
    """Every attempt through the runner; `ended` hears how many are over."""
    semaphores = Semaphores.of(BatchSettings(workers=bench.workers))
    attempts = attempts_of(stage.run, jobs, samples)
    files = SharedFiles(stage.run.folder, attempts)
    work = Work(
        stage.run, stage.rules, stage.policies.open, semaphores, files, sandboxes, environment
    )
    numbers = count(1)  # the attempts' threads share it

    def over(attempt: AttemptState) -> None:
        files.over(attempt)
        ended(next(numbers))

    runner = Runner(attempts, work, workers=bench.workers, over=over)
    reporter = StatusReporter(stage.run.name, runner)

    def look() -> None:
        reporter.status()

    runner.run(look)
    assert all(attempt.state in OVER for attempt in runner.attempts), runner.attempts[0]


def _run(bench: RunnerBench, stage: Stage, progress: Callable[[str], None]) -> list[float]:
    """All trajectories through the runner; memory after each tenth."""

    def environment(
        setting: Setting, repository: Path | None, make_sandbox: Callable[[], Sandbox]
    ) -> InstantEnvironment:
        del setting, repository, make_sandbox
        return InstantEnvironment(bench.turns)

    def no_sandbox(attempt: AttemptState) -> Callable[[], Sandbox]:
        def make() -> Sandbox:
            raise SandboxError(f"{attempt.name} needs no sandbox")

        return make

    rss: list[float] = []

    def ended(number: int) -> None:
        if number % (bench.trajectories // 10) == 0:
            rss.append(round(resident_mib(), 1))
            progress(f"{number} of {bench.trajectories}: {rss[-1]} MiB")

    names = [f"i{number}" for number in range(bench.trajectories)]
    jobs = [Job(name, "issue", stage.policy, "bubblewrap") for name in names]
    run_all(bench, stage, jobs, no_sandbox, environment, ended=ended)
    return rss


def _plain_loop(bench: RunnerBench, stage: Stage) -> float:
    """Milliseconds of a turn of the same attempts without a runner."""
    began = time.perf_counter()
    for number in range(ASIDE):
        job = Job(f"aside{number}", "issue", stage.policy, "bubblewrap")
        attempt = stage.run.attempt(job.instance)
        with closing(attempt.journal()) as journal, stage.policies.open(job.policy) as opened:
            setting = Setting(job, 0, stage.rules, opened)
            environment = InstantEnvironment(bench.turns)
            played = play(setting, environment, journal, CancelToken(), lambda _event: None)
            attempt.finish(result_of(setting, played, Judgement(), attempt.entries()))
    return (time.perf_counter() - began) / (ASIDE * bench.turns) * 1000


def resident_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def one_fsync_ms(path: Path) -> float:
    """Milliseconds of one append with fsync to `path`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        began = time.perf_counter()
        for _ in range(SYNCS):
            os.write(descriptor, b"x" * 500)
            os.fsync(descriptor)
        return (time.perf_counter() - began) / SYNCS * 1000
    finally:
        os.close(descriptor)
