"""A limit on disk use where the storage of an engine has none."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 2.0
"""Shortest time between two measurements."""
SHARE = 20
"""A measurement may take a twentieth of the time, however large the tree."""


class DiskWatch:
    """Measures now and then and says when a limit is passed.

    What is beyond the limit already is tolerated until it grows: a command
    that deletes must be allowed to run.
    """

    def __init__(
        self,
        measure: Callable[[], int],
        limit: int,
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`measure` gives the bytes in use."""
        self._measure = measure
        self._limit = limit
        self._seconds = seconds
        self._clock = clock
        self._tolerated = 0
        self._next = clock()

    def exceeded(self) -> bool:
        """Whether the running command must be stopped; nearly free when asked too early."""
        began = self._clock()
        if began < self._next:
            return False
        used = self._measure()
        now = self._clock()
        self._next = now + max(self._seconds, SHARE * (now - began))
        if used <= max(self._limit, self._tolerated):
            return False
        self._tolerated = used
        return True
