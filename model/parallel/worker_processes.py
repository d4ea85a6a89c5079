"""Starts the workers of a tensor-parallel group on this machine, and watches them.

A worker that dies, reports an error or gives no sign of life is the end of the
group: the others are killed, which also wakes a rank 0 that waits for them in
a collective. Workers live in sessions of their own, so that Ctrl-C in a
terminal reaches only rank 0; they end when the pipe to it closes.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import model
from model.errors import EngineError
from model.parallel.worker import READY, SPEC

_TICK = 0.5
_SILENCE = 8.0  # seconds without a sign of life; workers give one a second
_LONG_SILENCE = 120.0  # the same for one that the machine lets wait (for disk, memory or CPU)
_END_TIMEOUT = 5.0  # seconds for a worker to end when asked to


@dataclass(slots=True, eq=False)
class _Worker:
    rank: int
    process: subprocess.Popen[bytes]
    heard: float
    lines: bytes = b""
    ready: bool = False
    report: str = ""


class _Pace:
    """How long the watcher has seen one step running.

    It adds up what passes between two looks, a tick at most: that rank 0 was
    stopped for hours (Ctrl-Z) must not count.
    """

    def __init__(self) -> None:
        self._step: int | None = None
        self._seconds = 0.0
        self._looked = 0.0

    def spent(self, step: int | None, now: float) -> float:
        """Seconds so far; `step` is the running one's number, None when none runs."""
        passed, self._looked = min(now - self._looked, _TICK), now
        self._seconds = self._seconds + passed if step == self._step and step is not None else 0.0
        self._step = step
        return self._seconds


@dataclass(slots=True, eq=False)
class WorkerProcesses:
    """Ranks 1 to size - 1 as processes.

    `on_failure` is called in the watching thread when the group has ended by a
    failure. A step may take `step_seconds`.
    """

    spec: str
    size: int
    step_seconds: float
    on_failure: Callable[[], None] = lambda: None
    folder: Path = field(init=False)
    failure: str | None = None
    _workers: list[_Worker] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _stopping: bool = False
    _steps_begun: int = 0
    _steps_ended: int = 0
    _watcher: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        """Start the processes and their watcher."""
        self.folder = Path(tempfile.mkdtemp(prefix="cwm-agent-ranks-"))  # readable by us alone
        try:
            (self.folder / SPEC).write_text(self.spec, encoding="utf-8")
            for rank in range(1, self.size):
                process = _spawn(self.folder, rank)
                self._workers.append(_Worker(rank, process, time.monotonic()))
        except BaseException:
            self._kill()
            self._clean_up()
            raise
        self._watcher = threading.Thread(target=self._watch, name="workers", daemon=True)
        self._watcher.start()

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids, rank 1 first."""
        return tuple(worker.process.pid for worker in self._workers)

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until all have loaded their weights; raises EngineError if one fails or is late."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.failure or all(w.ready for w in self._workers), seconds
            )
            late = [w.rank for w in self._workers if not w.ready]
        if self.failure is None and late:
            self.fail(f"rank {late[0]} of {self.size} was not ready after {seconds:.0f} s")
        self.raise_if_failed()

    def raise_if_failed(self) -> None:
        """Raise EngineError when the group has ended, whoever was the cause."""
        if self.failure is not None:
            raise EngineError(f"{self.failure}; start a new engine")

    def explain(self, error: Exception) -> Exception:
        """The cause of an error met in a step: a worker's end if there was one, else itself."""
        with self._changed:
            self._changed.wait_for(lambda: self.failure, 2 * _TICK + 1)
        return error if self.failure is None else EngineError(f"{self.failure}; start a new engine")

    @contextmanager
    def step(self) -> Iterator[None]:
        """Watch over a step: it must end in time."""
        self._steps_begun += 1
        try:
            yield
        finally:
            self._steps_ended += 1

    def fail(self, reason: str) -> None:
        """End all workers because of `reason`; the first one counts."""
        with self._changed:
            if self.failure is None and not self._stopping:
                self.failure = reason
            self._kill()
            self._changed.notify_all()
        self.on_failure()

    def stop(self) -> None:
        """End all workers and remove their files; returns when that is done."""
        self._stopping = True
        for worker in self._workers:
            if worker.process.stdin is not None:
                worker.process.stdin.close()
        self._watcher.join(_END_TIMEOUT)
        if self._watcher.is_alive():
            self._kill()
            self._watcher.join()

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                assert worker.process.stdout is not None
                selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
            pace = _Pace()
            while selector.get_map():
                for key, _ in selector.select(_TICK):
                    if data := os.read(key.fd, 65536):
                        self._hear(key.data, data)
                    else:
                        selector.unregister(key.fileobj)
                        self._bury(key.data)
                self._look_for_hangs(pace)
        self._clean_up()

    def _hear(self, worker: _Worker, data: bytes) -> None:
        worker.heard = time.monotonic()
        *lines, worker.lines = (worker.lines + data).split(b"\n")
        for line in filter(None, lines):
            if line.decode() == READY:
                with self._changed:
                    worker.ready = True
                    self._changed.notify_all()
            else:
                worker.report = line.decode(errors="replace")

    def _bury(self, worker: _Worker) -> None:
        try:
            code = worker.process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:  # it closed the pipe, but lives
            worker.process.kill()
            code = worker.process.wait()
        if not self._stopping and self.failure is None:
            self.fail(f"rank {worker.rank} of {self.size} {self._cause(worker, code)}")

    def _cause(self, worker: _Worker, code: int) -> str:
        try:
            report = json.loads(worker.report)
            return f"failed: {report['kind']}: {report['text']}"
        except ValueError:
            pass
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        log = _log(self.folder, worker.rank).read_text(encoding="utf-8", errors="replace")
        last = log.strip().rpartition("\n")[2][:500]
        return f"ended with exit code {code}" + (f" ({last})" if last else "")

    def _look_for_hangs(self, pace: _Pace) -> None:
        if self._stopping or self.failure is not None:
            return
        now = time.monotonic()
        step = self._steps_begun if self._steps_begun > self._steps_ended else None
        if hung := [w for w in self._workers if _hangs(w.process.pid, now - w.heard)]:
            silence = f"gave no sign of life for {now - hung[0].heard:.0f} s"
            self.fail(f"rank {hung[0].rank} of {self.size} {silence}")
        elif pace.spent(step, now) > self.step_seconds:
            self.fail(f"a step took more than {self.step_seconds:.0f} s")

    def _kill(self) -> None:
        for worker in self._workers:
            worker.process.kill()

    def _clean_up(self) -> None:
        for worker in self._workers:
            worker.process.wait()
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _hangs(pid: int, silent: float) -> bool:
    """Whether a process silent for that many seconds can be given up.

    One that runs or waits for the disk (Linux: state R or D) is only slow, as
    when many processes load torch at once on a machine short of memory.
    """
    if silent <= _SILENCE:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # another system: nothing is known of the state
        return silent > _LONG_SILENCE
    return state not in "RD" or silent > _LONG_SILENCE


def _log(folder: Path, rank: int) -> Path:
    """Standard error of a worker."""
    return folder / f"rank-{rank}.log"


def _spawn(folder: Path, rank: int) -> subprocess.Popen[bytes]:
    """Start `model.parallel.worker` out of this package, whatever the working directory holds."""
    root = str(Path(model.__path__[0]).parent)
    paths = [root, os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else [root]
    with _log(folder, rank).open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "model.parallel.worker", str(folder), str(rank)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )
