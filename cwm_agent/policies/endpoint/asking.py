"""One conversation's questions to servers: one at a time, each can be ended by another thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from typing import Generic

from cwm_agent.policies.endpoint.background import Background
from cwm_agent.policies.endpoint.client import Answers, Asker, Piece, Placement, Wanted


class Asking(Generic[Wanted, Piece]):
    """Asks by an event loop in the background, and keeps the conversation's place at a server."""

    def __init__(self, asker: Asker[Wanted, Piece], background: Background) -> None:
        self._asker = asker
        self._background = background
        self._place = Placement()
        self._running: Future[None] | None = None
        self._cancelled = False

    def fill(self, answer: Answers[Piece], wanted: Callable[[], Wanted]) -> bool:
        """Fill `answer` as Asker.ask does, whose errors it raises; False where it was cancelled."""
        self._running = self._background.begin(self._asker.ask(self._place, answer, wanted))
        if self._cancelled:
            self._running.cancel()
        try:
            self._running.result()
        except CancelledError:
            self._cancelled = False
            return False
        return True

    def cancel(self) -> None:
        """End a running `fill`; if none runs, the next one ends at once."""
        self._cancelled = True
        if (running := self._running) is not None:
            running.cancel()

    def close(self) -> None:
        """Give up the place at the server."""
        if (running := self._running) is not None:
            running.cancel()
        server, self._place.server = self._place.server, None
        if server is not None:
            self._asker.servers.leave(server)
