"""HTTP connections that end when a client does not send, or does not read, in time.

uvicorn bounds only the rest between two requests, so a client could hold
connections by sending a byte now and then, or answers by never reading them,
and headers could be of any length.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS = 15.0
BODY_SECONDS = 60.0  # the guard says 408 before; here ends a body that nobody reads
READ_SECONDS = 60.0  # in which a client must take something of what waits for it
MOST_HEADERS = 64 * 2**10  # bytes
_MOST_FRAMING = 2**20  # bytes of a body that are no content: sizes of chunks, trailers
_FRAMING_RATIO = 8  # that many for each byte of content are allowed, too


class HurriedProtocol(HttpToolsProtocol):
    """A connection; see the module."""

    header_seconds = HEADER_SECONDS
    body_seconds = BODY_SECONDS
    read_seconds = READ_SECONDS
    _hurry: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _in_headers = False
    _in_body = False
    _bytes = 0  # of this request's headers, then of its body
    _content = 0  # bytes among them that are the body's content

    def connection_made(self, transport: Any) -> None:
        """A connection begins with the headers of a request."""
        super().connection_made(transport)
        _give_up_on_the_dead(transport, self.read_seconds)
        self._expect(self.header_seconds)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or blank lines before one."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        self._bytes += len(data)
        framing = _MOST_FRAMING + _FRAMING_RATIO * self._content
        if self._bytes > (MOST_HEADERS if self._in_headers else framing) and not self._idle():
            self._refuse()
        elif self._hurry is None and self._idle():
            self._expect(self.header_seconds)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_headers, self._bytes = True, 0
        if self._hurry is None:
            self._expect(self.header_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those that follow a body mean nothing here."""
        if not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """All headers are there."""
        self._in_headers, self._in_body, self._bytes, self._content = False, True, 0, 0
        self._expect(self.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        self._in_body = False
        self._calm()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """What was written waits to be read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It was."""
        self._forget_unread()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._calm()
        self._forget_unread()
        super().connection_lost(exc)

    def _idle(self) -> bool:
        """Whether no request is here, in part or in work."""
        between = not self._in_headers and not self._in_body
        return between and (self.cycle is None or self.cycle.response_complete)

    def _expect(self, seconds: float) -> None:
        self._calm()
        self._hurry = self.loop.call_later(seconds, self._too_slow, seconds)

    def _calm(self) -> None:
        if self._hurry is not None:
            self._hurry.cancel()
            self._hurry = None

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _too_slow(self, seconds: float) -> None:
        if self.flow.read_paused:  # it is we who do not read
            self._expect(seconds)
            return
        self._hurry = None
        self.transport.close()

    def _refuse(self) -> None:
        self.send_400_response("The request is too long.")


def _give_up_on_the_dead(transport: Any, seconds: float) -> None:
    """End a connection whose other end vanished without a word (tcp(7), TCP_USER_TIMEOUT)."""
    line = transport.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_USER_TIMEOUT", int(seconds * 1000)), ("TCP_KEEPIDLE", int(seconds))):
        if option := getattr(socket, name, None):  # Linux has both
            line.setsockopt(socket.IPPROTO_TCP, option, max(1, value))
