"""HTTP connections that are closed when a request's headers do not come in time.

uvicorn bounds only the rest between two requests, so a client could hold
connections by sending a header now and then.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 15.0


class HurriedProtocol(HttpToolsProtocol):
    """A connection; see the module."""

    header_seconds = HEADER_SECONDS
    _hurry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A connection begins with the headers of a request."""
        super().connection_made(transport)
        self._hurry = self.loop.call_later(self.header_seconds, self._too_slow)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._hurry is None:
            self._hurry = self.loop.call_later(self.header_seconds, self._too_slow)

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._calm()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._calm()
        super().connection_lost(exc)

    def _calm(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _too_slow(self) -> None:
        self._hurry = None
        self.transport.close()
