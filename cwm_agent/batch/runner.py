"""Hands the attempts of a run to threads, and takes requests from signals and the control socket.

One lock guards what is waiting and what runs. The main thread launches and
looks around; each attempt has a thread of its own, so nothing that one of them
waits for (a model, a command, a test) holds up another.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.retries import with_retries
from cwm_agent.batch.attempt_state import ACTIVE, OVER, AttemptState
from cwm_agent.batch.semaphores import StoppedError
from cwm_agent.errors import LostError, UsageError
from cwm_agent.exit_codes import ExitCode, code_of_error
from envs.errors import SandboxError
from results.records import AttemptResult

TICK = 0.25
"""Seconds between two looks at signals, limits and the screen."""
JUDGED_BEHIND = 2
"""New attempts wait when this many times the workers wait for their verdict."""
STOP_SECONDS = 20.0
"""How long attempts that were told to end now may take before they are left alone."""

DoWork = Callable[[AttemptState], AttemptResult]


class Runner:
    """`work` does one attempt.

    `over` is told of each that ended for good, `log` of bugs, `resized` of
    another number of workers.
    """

    def __init__(
        self,
        attempts: Sequence[AttemptState],
        work: DoWork,
        *,
        workers: int,
        retries: int = 0,
        over: Callable[[AttemptState], None] = lambda _attempt: None,
        log: Callable[[str], None] = lambda _text: None,
        resized: Callable[[int], None] = lambda _workers: None,
    ) -> None:
        self.attempts = list(attempts)
        self.workers = workers
        self.paused = self.draining = self.stopping = False
        self.failures_in_row = 0
        """Attempts that failed since the last valid result."""
        self._work = work
        self._retries = retries
        self._over = over
        self._log = log
        self._resized = resized
        self._changed = threading.Condition()
        self._names = {attempt.name: attempt for attempt in self.attempts}
        self._queue = deque(attempt for attempt in self.attempts if attempt.state == "waiting")
        self._active: dict[AttemptState, threading.Thread] = {}
        self._leaving: list[threading.Thread] = []

    @property
    def active(self) -> list[AttemptState]:
        """Attempts that run or are judged now."""
        with self._changed:
            return list(self._active)

    def run(self, tick: Callable[[], None] = lambda: None) -> None:
        """Until nothing is left to do, or a drain or stop is carried out; in the main thread."""
        deadline: float | None = None
        while True:
            with self._changed:
                self._launch()
                if not self._active and (self.draining or not self._queue):
                    break
                self._changed.wait(TICK)
            tick()
            if self.stopping:
                deadline = deadline or time.monotonic() + STOP_SECONDS
                if time.monotonic() > deadline:
                    return
                self._recall(now=True)  # again: a sandbox may just have been opened
        # A thread that frees tensors while the interpreter ends would take the process down.
        for thread in self._leaving:
            thread.join(STOP_SECONDS)

    def drain(self) -> None:
        """Start nothing new; every attempt ends after its turn, to be gone on with."""
        self.draining = True
        self._recall(now=False)

    def stop(self) -> None:
        """End every attempt now; only turns in flight are lost."""
        self.draining = self.stopping = True
        self._recall(now=True)

    def pause(self, *, now: bool = False) -> None:
        """Start nothing new; with `now` running attempts wait too, after their turn."""
        self.paused = True
        if now:
            self._recall(now=False)

    def resume(self) -> None:
        """Go on after a pause."""
        with self._changed:
            self.paused = False
            self._changed.notify()

    def set_workers(self, count: int) -> None:
        """Attempts at once from now on; those that run beyond it go on to their end."""
        if count < 1:
            raise UsageError("a run needs at least one worker; use pause to start nothing new")
        self._resized(count)
        with self._changed:
            self.workers = count
            self._changed.notify()

    def cancel(self, name: str) -> list[str]:
        """Give attempts up in this process: waiting ones at once, running ones after the turn."""
        done = []
        with self._changed:
            for attempt in self._find(name):
                if attempt.state == "waiting":
                    self._queue.remove(attempt)
                    self._give_up(attempt)
                elif attempt in self._active:
                    attempt.cancelled = True
                    attempt.stop.ask()
                else:
                    continue
                done.append(attempt.name)
            self._changed.notify()
        return done

    def requeue(self, name: str) -> list[str]:
        """Let attempts without a valid result go on from their journals; running ones anew."""
        done = []
        with self._changed:
            for attempt in self._find(name):
                if attempt in self._active:
                    attempt.stop.ask()
                elif attempt.state in ("failed", "cancelled"):
                    self._enqueue(attempt)
                else:
                    continue
                done.append(attempt.name)
            self._changed.notify()
        return done

    def _find(self, name: str) -> list[AttemptState]:
        """One attempt by `instance/sample`, or all samples of an instance."""
        if name in self._names:
            return [self._names[name]]
        if found := [attempt for attempt in self.attempts if attempt.job.instance == name]:
            return found
        raise UsageError(f"the run has no attempt {name!r}; name INSTANCE or INSTANCE/SAMPLE")

    def _recall(self, *, now: bool) -> None:
        for attempt in self.active:
            attempt.stop.force() if now else attempt.stop.ask()

    def _launch(self) -> None:
        """Start what may start; the caller holds the lock."""
        while self._queue and not (self.paused or self.draining):
            states = [attempt.state for attempt in self._active]
            judged = states.count("judging")
            if len(states) - judged >= self.workers or judged >= JUDGED_BEHIND * self.workers:
                return
            attempt = self._queue.popleft()
            attempt.state, attempt.stop, attempt.cancelled = "running", CancelToken(), False
            attempt.say("starting")
            # A daemon: a build that cannot be interrupted must not keep a stopped run alive.
            thread = threading.Thread(
                target=self._run_attempt, args=(attempt,), name=attempt.name, daemon=True
            )
            self._active[attempt] = thread
            thread.start()

    def _run_attempt(self, attempt: AttemptState) -> None:
        """The whole life of one attempt's thread."""
        result: AttemptResult | None = None
        failure: Exception | None = None
        try:
            result = self._with_retries(attempt)
        except StoppedError:
            pass
        except Exception as error:  # noqa: BLE001 - one attempt must not end the others
            failure = error
        with self._changed:
            self._leaving = [thread for thread in self._leaving if thread.is_alive()]
            self._leaving.append(self._active.pop(attempt))
            self._settle(attempt, result, failure)
            attempt.stop = CancelToken()  # the old one holds the conversation and the sandbox
            self._changed.notify()
        if attempt.state not in ACTIVE and attempt.state != "waiting":
            self._over(attempt)

    def _with_retries(self, attempt: AttemptState) -> AttemptResult:
        """The work, gone on with from the journal when a sandbox, node or server failed."""

        def once() -> AttemptResult:
            attempt.state = "running"
            return self._work(attempt)

        return with_retries(once, self._retries, attempt.stop, attempt.say)

    def _settle(
        self, attempt: AttemptState, result: AttemptResult | None, failure: Exception | None
    ) -> None:
        """Take the state that an end means; the caller holds the lock."""
        if result is not None:
            attempt.settle(result)
        if isinstance(failure, SandboxError) and attempt.stop.stopped:
            failure = None  # the judge's sandbox was ended on purpose
        if isinstance(failure, LostError) and attempt.stop.requested:
            failure = None  # it was about to end anyway, and its journal is whole
        if failure is not None:
            self._fail(attempt, failure)
        elif result is None or attempt.state == "waiting":
            if attempt.cancelled:
                self._give_up(attempt)
            else:
                self._enqueue(attempt, first=True)
        if attempt.state == "failed":
            # A missing image is one instance's trouble: the next may have its own here.
            missing = isinstance(failure, SandboxError) and failure.cause == "image_missing"
            self.failures_in_row += not missing
        elif attempt.state in OVER:
            self.failures_in_row = 0

    def _fail(self, attempt: AttemptState, failure: Exception) -> None:
        code = code_of_error(failure)
        attempt.state, attempt.reason, attempt.doing = (
            "failed",
            type(failure).__name__,
            str(failure),
        )
        attempt.code = ExitCode.UNEXPECTED if code is None else code
        if code is None:
            self._log(f"{attempt.name}: {''.join(traceback.format_exception(failure))}")

    def _give_up(self, attempt: AttemptState) -> None:
        attempt.state, attempt.reason, attempt.code = "cancelled", "", ExitCode.INTERRUPTED

    def _enqueue(self, attempt: AttemptState, *, first: bool = False) -> None:
        attempt.state = "waiting"
        (self._queue.appendleft if first else self._queue.append)(attempt)
