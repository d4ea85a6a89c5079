"""What a run looks like now: as an object for `ctl status`, and as a line for a log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta

from cwm_agent.batch.attempt_state import STATES
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.throughput import EngineStatus, Loads, Speed, Throughput, fullest
from cwm_agent.wording import counted


@dataclass(frozen=True, slots=True)
class Busy:
    """One attempt at work. `silent` is how many seconds nothing was heard of it."""

    id: str
    state: str
    turn: int
    doing: str
    silent: float


@dataclass(frozen=True, slots=True)
class Status:
    """The whole run at one moment. `eta` is None as long as nothing is done.

    `tokens` were written in finished replies. `tokens_per_second` comes from the
    counters of the `engines`, or from replies where there is no engine (recordings).
    """

    run: str
    phase: str
    workers: int
    counts: dict[str, int]
    total: int
    turns: int
    tokens: int
    tokens_per_second: float
    seconds: float
    eta: float | None
    active: tuple[Busy, ...]
    engines: tuple[EngineStatus, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)

    @property
    def ended(self) -> int:
        """Attempts that nobody works on or waits for any more."""
        return self.total - sum(self.counts[state] for state in ("waiting", "running", "judging"))


class StatusReporter:
    """Looks at a runner and its engines; `clock` gives seconds that only grow."""

    def __init__(
        self,
        run: str,
        runner: Runner,
        loads: Loads = dict,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run = run
        self._runner = runner
        self._clock = clock
        self._began = clock()
        self._before = self._ended()
        self._spent = Speed()
        self._engines = Throughput(loads)

    def status(self) -> Status:
        """How it stands now."""
        now, runner = self._clock(), self._runner
        attempts = runner.attempts
        counts = Counter(attempt.state for attempt in attempts)
        tokens = sum(attempt.tokens for attempt in attempts)
        seconds = now - self._began
        engines = self._engines.look(now)
        by_replies = self._spent.of(now, tokens)
        by_engines = round(sum(engine.tokens_per_second for engine in engines), 1)
        return Status(
            run=self._run,
            phase=_phase(runner),
            workers=runner.workers,
            counts={state: counts[state] for state in STATES},
            total=len(attempts),
            turns=sum(attempt.turn for attempt in attempts),
            tokens=tokens,
            tokens_per_second=by_engines if engines else by_replies,
            seconds=round(seconds, 1),
            eta=self._eta(seconds),
            active=tuple(
                Busy(t.name, t.state, t.turn, t.doing, round(max(0.0, now - t.since), 1))
                for t in runner.active
            ),
            engines=engines,
        )

    def _eta(self, seconds: float) -> float | None:
        ended = self._ended()
        done = ended - self._before
        if done <= 0:
            return None
        return round((len(self._runner.attempts) - ended) * seconds / done, 1)

    def _ended(self) -> int:
        open_states = ("waiting", "running", "judging")
        return sum(attempt.state not in open_states for attempt in self._runner.attempts)


def line(status: Status) -> str:
    """The run in one line."""
    eta = "?" if status.eta is None else _duration(status.eta)
    longest = max(status.active, key=lambda busy: busy.silent, default=None)
    quiet = f", longest silent {longest.id} {longest.silent:.0f} s" if longest else ""
    return (
        f"{status.phase} {status.ended}/{status.total}: {_counts(status)}; "
        f"{counted(status.turns, 'turn')}, {_throughput(status)}, "
        f"{_duration(status.seconds)} so far, {eta} to go{quiet}"
    )


def _throughput(status: Status) -> str:
    """Tokens a second, and of engines how many prompt tokens they read and how full they are."""
    said = f"{status.tokens_per_second:.0f} tokens/s"
    if status.engines:
        prefill = sum(engine.prefill_per_second for engine in status.engines)
        said += f" (prefill {prefill:.0f})"
    used = fullest(status.engines)
    return said if used is None else f"{said}, KV {used:.0%}"


def _shown(status: Status) -> list[str]:
    rare = ("unjudged", "cancelled")
    return [state for state in STATES if state not in rare or status.counts[state]]


def _counts(status: Status) -> str:
    return ", ".join(f"{status.counts[state]} {state}" for state in _shown(status))


def _phase(runner: Runner) -> str:
    if runner.stopping:
        return "stopping"
    if runner.draining:
        return "draining"
    return "paused" if runner.paused else "running"


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
