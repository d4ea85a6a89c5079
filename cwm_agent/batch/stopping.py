"""Why a run ends before its attempts do, and the exit code that it ends with."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from cwm_agent.batch.runner import Runner
from cwm_agent.batch.status import Status
from cwm_agent.config.settings import BatchSettings
from cwm_agent.exit_codes import ExitCode


class StopConditions:
    """Watches signals, the run's limits, and whether anything works at all."""

    def __init__(self, runner: Runner, settings: BatchSettings) -> None:
        self._runner = runner
        self._settings = settings
        self._limited = self._signalled = False

    def look(self, signals: int, status: Status, say: Callable[[str], None]) -> None:
        """Drain or stop the run when it is time; to be called again and again."""
        runner = self._runner
        self._signalled = signals > 0
        if signals > 1 and not runner.stopping:
            say("stopping now")
            runner.stop()
        if runner.draining:
            return
        if signals:
            say("finishing the turns; press Ctrl-C again to stop now")
        elif used := self._used(status):
            self._limited = True
            say(f"the run has used its {used}; finishing the turns")
        elif 0 < self._settings.failures_in_row <= runner.failures_in_row:
            say(f"{runner.failures_in_row} attempts failed in a row; finishing the turns")
        else:
            return
        runner.drain()

    def _used(self, status: Status) -> str:
        """Which limit of the whole run is reached; turns of earlier processes count."""
        allowed = self._settings
        for name, limit, used in (
            ("turns", allowed.turns, status.turns),
            ("tokens", allowed.tokens, status.tokens),
            ("seconds", allowed.seconds, status.seconds),
        ):
            if limit is not None and used >= limit:
                return f"{limit:g} {name}"
        return ""

    def code(self) -> int:
        """0 when every attempt has a valid result, resolved or not; else why there are none."""
        attempts = self._runner.attempts
        failed = [attempt.code for attempt in attempts if attempt.state == "failed"]
        unfinished = any(attempt.state in ("waiting", "running", "judging") for attempt in attempts)
        if unfinished and self._signalled:
            return ExitCode.INTERRUPTED
        if unfinished and self._limited:
            return ExitCode.LIMIT
        if failed:
            return failed[0]
        gone = any(attempt.state == "cancelled" for attempt in attempts)
        return ExitCode.INTERRUPTED if unfinished or gone else ExitCode.SUCCESS


@dataclass(slots=True)
class Signals:
    """How often the user asked to end. The runner's main loop looks at it: no lock is taken."""

    count: int = 0


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Count signals in the main thread until the block ends."""
    seen = Signals()

    def receive(number: int, frame: FrameType | None) -> None:
        del frame
        seen.count += 2 if number == signal.SIGTERM else 1

    previous = {
        number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield seen
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
