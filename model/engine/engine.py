"""The engine: a core (see `model.engine.core`) owned by one thread, and the way to talk to it.

Sessions hand it small functions to carry out between two steps; it answers
through futures. Without `start()` there is no thread: functions run at once in
the caller's and `run_until_idle` makes the steps, so that a test controls each.

However the thread ends, all who wait for it hear why: the engine was closed, an
error met it, or a function of a session's owner keeps it. It never outlives the
interpreter: a thread that Python ends inside torch ends the process by abort().
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from model.engine.core import EngineCore, EngineLimits
from model.engine.outbox import settle
from model.errors import EngineError, SessionError
from model.stats import EngineStats

T = TypeVar("T")
CALLBACK_SECONDS = 60.0
_LOOKS = 20  # of the watcher, in that time: what it sees in all of them, it has not just met


@dataclass(frozen=True, slots=True)
class _Call:
    """A function for the owner of the state, and who waits for its result."""

    function: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)

    def carry_out(self) -> None:
        try:
            settle(self.future, self.function(), None)
        except BaseException as error:  # noqa: BLE001 (handed to the caller)
            settle(self.future, None, error)


class Engine:
    """See the module. A mask, watcher or on_token may take `callback_seconds`."""

    def __init__(self, core: EngineCore, *, callback_seconds: float = CALLBACK_SECONDS) -> None:
        self.core = core
        self._callback_seconds = callback_seconds
        self._inbox: queue.SimpleQueue[_Call] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._gate = threading.Lock()  # nothing enters the inbox after the end
        self._end: EngineError | None = None
        self._watcher: threading.Thread | None = None
        self._over = threading.Event()  # nothing is to be expected of the thread any more
        self._stuck = False

    @property
    def limits(self) -> EngineLimits:
        """What the model can take."""
        return self.core.limits

    def load(self) -> EngineStats:
        """What it has done and does now; from any thread and at once, so between two counts."""
        core = self.core
        pools = core.cache.pools
        return EngineStats(
            prefilled=core.stats.prefilled,
            cached=core.scheduler.cached,
            decoded=core.stats.decoded,
            running=len(core.scheduler.running),
            waiting=len(core.scheduler.waiting),
            kv_used=max(1 - pool.reclaimable / pool.pages for pool in pools),
        )

    def start(self) -> None:
        """Run steps in a thread of its own until `close`, or until the interpreter ends."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
            self._thread.start()
            self._watcher = threading.Thread(target=self._watch, name="engine-watch", daemon=True)
            self._watcher.start()
            # After all threads that are no daemons, so that they get their answers.
            atexit.register(self._close_at_exit)

    def close(self) -> None:
        """Cancel everything, free all pages, stop the thread and any workers."""
        call = self.call(self._shut)
        if self._calling_back:
            return  # the thread that would wait is the one that shall stop
        with suppress(EngineError):  # it has ended already, or meanwhile
            call.result()
        if self._thread is not None and not self._owned:
            self._over.wait()
            # Either may hold the last reference to tensors, and a thread that frees one while
            # the interpreter ends takes the process down.
            if not self._stuck:
                self._thread.join()
            if self._watcher not in (None, threading.current_thread()):
                self._watcher.join()
            atexit.unregister(self._close_at_exit)

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Have the owner of the state carry out `function` between two steps.

        In a mask, watcher or on_token that is later: do not wait for it there.
        """
        call = _Call(function)
        with self._gate:
            at_once = self._owned and not self._calling_back
            if self._end is not None:
                self._refuse(call)
            elif not at_once:
                self._inbox.put(call)
        if at_once and not call.future.done():
            self._carry_out(call)
            if self._thread is None:
                self._carry_out_late()
        return call.future

    def ask(self, function: Callable[[], T]) -> T:
        """What the owner of the state returns; raises what it raises, and SessionError at once
        in a mask, watcher or on_token, where nobody would answer."""
        if self._calling_back:
            raise SessionError(
                "a mask, stop watcher or on_token may only cancel and close sessions; do the rest "
                "when its answer is there, or in another thread"
            )
        return self.call(function).result()

    def send(self, function: Callable[[], object]) -> None:
        """`ask` without an answer: in a mask, watcher or on_token it happens after the step."""
        call = self.call(function)
        if not self._calling_back:
            call.result()

    def run_until_idle(self, most_steps: int | None = None) -> int:
        """Make steps until nobody wants anything, or `most_steps`; the number made."""
        made = 0
        while not self.core.scheduler.idle and (most_steps is None or made < most_steps):
            self._step()
            made += 1
        return made

    @property
    def _owned(self) -> bool:
        """Whether this thread may touch the state."""
        return self._thread is None or threading.current_thread() is self._thread

    @property
    def _calling_back(self) -> bool:
        """Whether this is the middle of a step, in a function of a session's owner."""
        return self.core.serving is not None and self._owned

    def _step(self) -> None:
        self.core.step()
        self.core.outbox.deliver()
        self._carry_out_late()

    def _carry_out_late(self) -> None:
        """What came meanwhile, or out of a mask, watcher or on_token."""
        while not self._inbox.empty():
            self._carry_out(self._inbox.get())

    def _carry_out(self, call: _Call) -> None:
        call.carry_out()
        self.core.outbox.deliver()

    def _run(self) -> None:
        try:
            while self._end is None:
                if self.core.scheduler.idle:
                    self._carry_out(self._inbox.get())
                else:
                    self._step()
        except BaseException as error:  # noqa: BLE001 (every waiting caller must hear of it)
            self._give_up(error)
        finally:
            self._refuse_late()
            with suppress(Exception):  # it says so to nobody who could do something
                self.core.runner.close()
            self._over.set()

    def _give_up(self, error: BaseException) -> None:
        """All who wait, or will, hear that nobody answers any more."""
        if isinstance(error, EngineError):
            end = error
        else:
            name = type(error).__name__
            end = EngineError(f"the engine's thread ended: {name}: {error}; start a new engine")
            end.__cause__ = error
        with self._gate:
            self._end = end
        self.core.outbox.abandon(end)
        self._refuse_late()

    def _refuse(self, call: _Call) -> None:
        assert self._end is not None
        error = EngineError(*self._end.args)
        error.__cause__ = self._end.__cause__
        settle(call.future, None, error)

    def _refuse_late(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._refuse(self._inbox.get_nowait())

    def _watch(self) -> None:
        """Let nobody wait for ever on a function of another session's owner."""
        core, seen, looks = self.core, None, 0
        while not self._over.wait(self._callback_seconds / _LOOKS):
            outside = core.serving is not None or core.outbox.delivering
            now = (core.served, core.outbox.delivered) if outside else None
            looks = looks + 1 if now is not None and now == seen else 0
            seen = now
            if looks > _LOOKS:
                self._stuck = True
                self._give_up(
                    EngineError(
                        "a mask, stop watcher, on_token or callback of a future has kept the "
                        f"engine for {self._callback_seconds:g} s; such functions must return at "
                        "once; start a new engine"
                    )
                )
                self._over.set()

    def _shut(self) -> None:
        with self._gate:
            self._end = EngineError("the engine is closed; start a new one")
        self.core.release_all()
        self.core.runner.close()
        self._refuse_late()

    def _close_at_exit(self) -> None:
        assert self._thread is not None
        if not self._thread.is_alive():  # a child that was forked has no such thread
            return
        try:
            self.close()
        except KeyboardInterrupt:  # not a moment longer
            os._exit(128 + signal.SIGINT)
