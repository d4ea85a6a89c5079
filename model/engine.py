"""The engine: a core (see `model.core`) owned by one thread, and the way to talk to it.

Sessions hand it small functions to carry out between two steps; it answers
through futures. Without `start()` there is no thread: functions run at once in
the caller's and `run_until_idle` makes the steps, so that a test controls each.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from model.core import EngineCore, EngineLimits
from model.errors import EngineError
from model.load import EngineLoad

T = TypeVar("T")


class Engine:
    """See the module."""

    def __init__(self, core: EngineCore) -> None:
        self.core = core
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    @property
    def limits(self) -> EngineLimits:
        """What the model can take."""
        return self.core.limits

    def load(self) -> EngineLoad:
        """What it has done and does now; from any thread and at once, so between two counts."""
        core = self.core
        pools = core.cache.pools
        return EngineLoad(
            prefilled=core.stats.prefilled,
            cached=core.scheduler.cached,
            decoded=core.stats.decoded,
            running=len(core.scheduler.running),
            waiting=len(core.scheduler.waiting),
            kv_used=max(1 - pool.reclaimable / pool.pages for pool in pools),
        )

    def start(self) -> None:
        """Run steps in a thread of its own until `close`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Cancel everything, free all pages, stop the thread and any workers."""
        if self._closed:
            return
        self.call(self._shut).result()
        if self._thread is not None:
            self._thread.join()

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
        """Have the owner of the state carry out `function` between two steps."""
        future: Future[T] = Future()

        def carry_out() -> None:
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 (handed to the caller)
                future.set_exception(error)

        if self._closed:
            future.set_exception(EngineError("the engine is closed; start a new one"))
        elif self._thread is None or threading.current_thread() is self._thread:
            carry_out()
        else:
            self._inbox.put(carry_out)
        return future

    def run_until_idle(self, most_steps: int | None = None) -> int:
        """Make steps until nobody wants anything, or `most_steps`; the number made."""
        made = 0
        while not self.core.scheduler.idle and (most_steps is None or made < most_steps):
            self.core.step()
            made += 1
        return made

    def _loop(self) -> None:
        while not self._closed:
            if self.core.scheduler.idle:
                self._inbox.get()()
            while not self._inbox.empty():
                self._inbox.get()()
            if not self.core.scheduler.idle:
                self.core.step()
        while not self._inbox.empty():  # late callers hear that it is over
            self._inbox.get()()

    def _shut(self) -> None:
        self._closed = True
        self.core.release_all()
        self.core.runner.close()
