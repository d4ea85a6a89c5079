"""Messages of the Debug Adapter Protocol on a byte stream: a header, then JSON.

Source: microsoft.github.io/debug-adapter-protocol, "Base protocol".
"""

from __future__ import annotations

import json
import threading
from typing import Any, BinaryIO

from cwm_agent.errors import CwmAgentError

MOST_BYTES = 16 * 2**20
"""A message of more is a mistake of the client."""


class ProtocolError(CwmAgentError):
    """What the client sent is no message of the protocol."""


class Wire:
    """Reads and writes messages; writing is safe from several threads."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self._sent = 0

    def read(self) -> dict[str, Any] | None:
        """The next message; None at the end of the stream. Raises ProtocolError."""
        length = None
        while True:
            line = self._source.readline(4096)
            if not line:
                return None
            if not line.strip():
                if length is not None:
                    break
                continue
            name, _, value = line.decode("ascii", errors="replace").partition(":")
            if name.strip().lower() == "content-length":
                if not value.strip().isdecimal() or int(value) > MOST_BYTES:
                    raise ProtocolError(f"Content-Length is {value.strip()!r}")
                length = int(value)
        body = self._source.read(length)
        if len(body) < length:
            return None
        try:
            message = json.loads(body)
        except ValueError as error:
            raise ProtocolError(f"a message is no JSON: {error}") from error
        if not isinstance(message, dict):
            raise ProtocolError("a message is no JSON object")
        return message

    def send(self, message: dict[str, Any]) -> None:
        """Number a message and write it; a client that is gone hears nothing."""
        with self._lock:
            self._sent += 1
            body = json.dumps({"seq": self._sent, **message}).encode()
            try:
                self._sink.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                self._sink.flush()
            except (BrokenPipeError, ConnectionError, ValueError):
                return

    def event(self, name: str, body: dict[str, Any] | None = None) -> None:
        """Write an event. It always has a body: some clients read no event without one."""
        self.send({"type": "event", "event": name, "body": body or {}})

    def answer(self, request: dict[str, Any], body: dict[str, Any] | None = None) -> None:
        """Write the response to a request that was carried out."""
        self.send(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "success": True,
                "command": str(request.get("command")),
                **({} if body is None else {"body": body}),
            }
        )

    def refuse(self, request: dict[str, Any], said: str) -> None:
        """Write the response to a request that failed."""
        self.send(
            {
                "type": "response",
                "request_seq": request.get("seq", 0),
                "success": False,
                "command": str(request.get("command")),
                "message": said,
                "body": {"error": {"id": 1, "format": said, "showUser": True}},
            }
        )
