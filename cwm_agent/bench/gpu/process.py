"""A worker process seen from outside: started with a task, watched, killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cwm_agent.bench.gpu.events import read_events
from cwm_agent.bench.gpu.task import Task

ROOT = Path(__file__).parents[3]
CARRIED = ROOT / ".gpu"
"""What was prepared on another machine: a cache of Triton's, samples for the training."""
_LAST_LINES = 25
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["torch", "model.engine.build", "cwm_agent.bench.gpu.worker"])


def _work(task: Task, log: Path) -> None:
    from cwm_agent.bench.gpu.worker import work  # there alone is torch imported

    work(task, log, ROOT)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a part ended: "done", "wrong", "failed", "crashed" or "hung", and what it told.

    "wrong": it came to its end, but some comparison failed. `kernel` and `shape` are what
    it was at, where it names them.
    """

    outcome: str
    error: str
    seconds: float
    events: tuple[dict[str, Any], ...]
    kernel: str | None = None
    shape: str | None = None
    log: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return self.outcome == "done"


class Worker:
    """One process; whatever it starts dies with it.

    It is forked from a server that has imported torch but never used a device, so that no
    part waits for imports.
    """

    def __init__(self, task: Task, log: Path) -> None:
        self._task, self._log = task, log
        self._process = _CONTEXT.Process(target=_work, args=(task, log))
        self._process.start()
        self._begun = time.monotonic()

    def over(self) -> bool:
        """Whether the process has ended, or its time has; then it is killed."""
        if not self._process.is_alive():
            return True
        if time.monotonic() - self._begun > self._task.seconds:
            self.kill()
            return True
        return False

    def kill(self) -> None:
        """End it and its children."""
        assert self._process.pid is not None
        self._process.kill()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.join()

    def ended(self) -> Ended:
        """What became of the task; only after `over`."""
        self._process.join()
        code = self._process.exitcode or 0
        seconds = time.monotonic() - self._begun
        self.kill()  # children that outlived it
        events = tuple(read_events(Path(self._task.events)))
        outcome, error = _outcome(code, seconds >= self._task.seconds, events)
        at = _at(events) if outcome != "done" else None
        return Ended(
            outcome,
            error,
            round(seconds, 1),
            events,
            kernel=at["kernel"] if at else None,
            shape=at["shape"] if at else None,
            log="" if outcome == "done" else self._tail(),
        )

    def _tail(self) -> str:
        if not self._log.is_file():
            return ""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])


def _outcome(code: int, late: bool, events: tuple[dict[str, Any], ...]) -> tuple[str, str]:
    failed = [event["error"] for event in events if event["kind"] == "failed"]
    if failed:
        return "failed", failed[-1]
    if not any(event["kind"] == "done" for event in events):
        if late and code == -signal.SIGKILL:
            return "hung", "killed when its time was over"
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return "crashed", f"the process ended with {how}"
    if wrong := [event for event in events if event["kind"] == "case" and not event["right"]]:
        return "wrong", str(wrong[0]["says"])
    return "done", ""


def _at(events: tuple[dict[str, Any], ...]) -> dict[str, Any] | None:
    """The first wrong case, else what was begun last."""
    wrong = [event for event in events if event["kind"] == "case" and not event["right"]]
    begun = [event for event in events if event["kind"] == "at"]
    return wrong[0] if wrong else begun[-1] if begun else None
