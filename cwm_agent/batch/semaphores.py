"""How many may do the same thing at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from cwm_agent.attempt.interrupt import Stop

POLL_SECONDS = 0.5
"""Seconds between two looks at whether a waiting attempt shall stop."""


class StoppedError(Exception):
    """An attempt was told to end while it waited; nothing is lost."""


class Semaphore:
    """Lets at most `limit` in."""

    def __init__(self, limit: int) -> None:
        self._changed = threading.Condition()
        self._limit = limit
        self.inside = 0

    @property
    def limit(self) -> int:
        """How many may be inside."""
        return self._limit

    def resize(self, limit: int) -> None:
        """Let in at most `limit` from now on."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    @contextmanager
    def hold(self, stop: Stop) -> Iterator[None]:
        """A place inside, waited for; raises StoppedError when the attempt shall end."""
        with self._changed:
            while self.inside >= self._limit:
                if stop.requested:
                    raise StoppedError
                self._changed.wait(POLL_SECONDS)
            self.inside += 1
        try:
            yield
        finally:
            with self._changed:
                self.inside -= 1
                self._changed.notify()


class OncePerKey:
    """Does something slow once for each key, however many need it at the same time.

    Others that need the same wait for it without counting against the semaphore.
    """

    def __init__(self, semaphore: Semaphore) -> None:
        self._semaphore = semaphore
        self._lock = threading.Lock()
        self._locks: dict[Hashable, threading.Lock] = {}
        self._done: set[Hashable] = set()

    def ensure(self, key: Hashable, make: Callable[[], object], stop: Stop) -> None:
        """Return when it is done for `key`; an error of `make` is raised, and the next tries."""
        with self._lock:
            mine = self._locks.setdefault(key, threading.Lock())
        while not mine.acquire(timeout=POLL_SECONDS):
            if stop.requested:
                raise StoppedError
        try:
            if key not in self._done:
                with self._semaphore.hold(stop):
                    make()
                self._done.add(key)
        finally:
            mine.release()
