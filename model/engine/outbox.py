"""Futures of those who wait for an answer, and results on their way to them.

A step, or a call between two steps, only notes what has come of an answer. The
futures hear of it when the state is whole again, so that their callbacks may
use the engine.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Outbox:
    """Owned by the engine's thread. `delivering` is true while callbacks of futures may run."""

    def __init__(self) -> None:
        self.delivering = False
        self.delivered = 0
        self._open: set[Future[Any]] = set()
        self._notes: deque[tuple[Future[Any], Any, BaseException | None]] = deque()

    def expect(self, future: Future[Any]) -> None:
        """A result will come; from now on the one who waits cannot cancel the future itself."""
        future.set_running_or_notify_cancel()
        self._open.add(future)

    def put(self, future: Future[T], result: T | None, error: Exception | None = None) -> None:
        """The future will have this result, or raise this error."""
        self._notes.append((future, result, error))

    def deliver(self) -> None:
        """Tell all, also those who are added meanwhile."""
        while self._notes:
            future, result, error = self._notes.popleft()
            self._open.discard(future)
            self.delivering = True
            self.delivered += 1
            settle(future, result, error)
            self.delivering = False

    def abandon(self, error: BaseException) -> None:
        """Tell what is known already, and this error to all others; from any thread."""
        for future, result, cause in tuple(self._notes):
            settle(future, result, cause)
        for future in tuple(self._open):
            settle(future, None, error)


def settle(future: Future[Any], result: object, error: BaseException | None) -> None:
    """End a future unless it has ended; what its callbacks raise concerns nobody else."""
    with suppress(BaseException):  # futures log an Exception themselves, and pass the others on
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
