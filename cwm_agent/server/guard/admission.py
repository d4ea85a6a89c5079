"""How many requests may be in work or wait, in all and for one key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from cwm_agent.server.errors import RequestError

_SECONDS = 2  # until a place is likely to be free


class Admission:
    """Belongs to one event loop."""

    def __init__(self, most: int, per_key: int) -> None:
        self._most = most
        self._per_key = per_key
        self._by_job: Counter[str] = Counter()
        self.draining = False

    @property
    def open(self) -> int:
        """Requests that are in work or wait."""
        return self._by_job.total()

    @contextmanager
    def place(self, job: str, count: int = 1) -> Iterator[None]:
        """Room for `count` answers; raises RequestError (429, or 503 while draining)."""
        self.enter(job, count)
        try:
            yield
        finally:
            self.leave(job, count)

    def enter(self, job: str, count: int) -> None:
        """See `place`; what enters must leave."""
        if count > (most := min(self._most, self._per_key)):
            raise RequestError(f"this asks for {count} answers at once; {most} are allowed")
        if self.draining:
            raise RequestError(
                "the server is shutting down", status=503, code="shutting_down", seconds=5
            )
        if self.open + count > self._most:
            raise RequestError(
                "too many requests are waiting; try again",
                status=429,
                code="rate_limit_exceeded",
                seconds=_SECONDS,
            )
        if self._by_job[job] + count > self._per_key:
            raise RequestError(
                "too many requests with this key are waiting; try again",
                status=429,
                code="rate_limit_exceeded",
                seconds=_SECONDS,
            )
        self._by_job[job] += count

    def leave(self, job: str, count: int) -> None:
        """Give the room back."""
        self._by_job[job] -= count
        if not self._by_job[job]:
            del self._by_job[job]
