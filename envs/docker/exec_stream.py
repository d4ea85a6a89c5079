"""The byte stream of a `docker exec`."""

from __future__ import annotations

import select
from typing import Any

from envs.shell.framing import Demultiplexer
from envs.shell.stream import READ_SIZE, Channel, StreamClosed, send_all

CHANNELS: dict[int, Channel] = {1: "output", 2: "protocol"}


class ExecStream:
    """The stream of a `docker exec` without a terminal."""

    def __init__(self, holder: Any) -> None:
        """`holder` is what the SDK returns for a hijacked connection; it is kept open here."""
        self._holder = holder
        self._socket = getattr(holder, "_sock", holder)
        self._socket.setblocking(False)
        self._frames = Demultiplexer()
        self._pieces: list[tuple[Channel, bytes]] = []
        self._poll = select.poll()
        self._poll.register(self._socket.fileno(), select.POLLIN)
        self._closed = False

    def send(self, data: bytes) -> None:
        """See Stream."""
        self._check_open()
        send_all(self._socket.fileno(), self._socket.send, data)

    def receive(self, timeout: float) -> tuple[Channel, bytes] | None:
        """See Stream."""
        self._check_open()
        if not self._pieces:
            if not self._poll.poll(max(0.0, timeout) * 1000):
                return None
            try:
                data = self._socket.recv(READ_SIZE)
            except BlockingIOError:
                return None
            except OSError as error:
                raise StreamClosed(f"the connection to the engine broke: {error}") from error
            if not data:
                raise StreamClosed("the engine closed the shell's connection")
            self._pieces = [
                (CHANNELS[number], piece)
                for number, piece in self._frames.feed(data)
                if number in CHANNELS
            ]
            self._pieces.reverse()
        return self._pieces.pop() if self._pieces else None

    def close(self) -> None:
        """See Stream."""
        self._closed = True
        self._socket.close()
        self._holder.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosed("the connection to the sandbox is closed")
