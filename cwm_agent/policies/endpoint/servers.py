"""Which of several servers answers a conversation.

A conversation stays where it is, since its keys and values lie there. A new
one goes where fewest are; one whose server failed goes to another.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cwm_agent.policies.endpoint.transport import Counted
from model.stats import EngineStats

REST = 30.0
"""Seconds for which a server that failed is left alone, if there is another one."""


@dataclass(slots=True, eq=False)
class Server:
    """One URL, and what is known of what lies behind it.

    `model` is the name it knows the model by, "" until it was asked; `context`
    the most tokens it takes, `text_calls` as in Served. `sessions` conversations
    stay here, `requests` run now. Tokens are sums; of prompts only those that the
    server reports.
    """

    url: str
    model: str = ""
    context: int | None = None
    text_calls: bool = False
    sessions: int = 0
    requests: int = 0
    decoded: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    rests_until: float = 0.0

    def heard(self, piece: Counted, tokens: int) -> None:
        """Count a piece of an answer, of which so many tokens are of use."""
        self.decoded += tokens
        self.prompt_tokens += piece.prompt_tokens or 0
        self.cached_tokens += piece.cached_tokens or 0

    def load(self) -> EngineStats:
        """What it does for this process; how full it is only the server knows."""
        return EngineStats(
            prefilled=self.prompt_tokens - self.cached_tokens,
            cached=self.cached_tokens,
            decoded=self.decoded,
            running=self.requests,
            waiting=0,
            kv_used=None,
        )


class Servers:
    """All servers of one model; `clock` gives seconds that only grow."""

    def __init__(self, urls: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.all = tuple(Server(url) for url in urls)
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def any_well(self) -> bool:
        """Whether one is left that did not fail just now."""
        return any(self._well(server) for server in self.all)

    def join(self) -> Server:
        """A place for a conversation: where fewest are; if all failed, where it is longest ago."""
        with self._lock:
            well = [server for server in self.all if self._well(server)]
            if well:
                chosen = min(well, key=lambda server: server.sessions)
            else:
                chosen = min(self.all, key=lambda server: server.rests_until)
            chosen.sessions += 1
            return chosen

    def leave(self, server: Server) -> None:
        """A conversation is over or goes elsewhere."""
        with self._lock:
            server.sessions -= 1

    def failed(self, server: Server) -> None:
        """The server does not answer: leave it alone for a while."""
        server.rests_until = self._clock() + REST

    def answered(self, server: Server) -> None:
        """The server is well."""
        server.rests_until = 0.0

    def _well(self, server: Server) -> bool:
        return server.rests_until <= self._clock()
