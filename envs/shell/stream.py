"""The two-channel byte stream between the host and one shell."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from typing import Literal, Protocol

from envs.errors import SandboxError

Channel = Literal["output", "protocol"]

READ_SIZE = 1 << 18
STALL_SECONDS = 30.0
"""How long a send may make no progress before the other side counts as gone."""


class StreamClosed(SandboxError):
    """The other side of a shell's stream went away."""

    def __init__(self, text: str) -> None:
        super().__init__(text, cause="shell_unusable")


class Stream(Protocol):
    """Bytes to a bash's standard input; its stdout ("output") and stderr ("protocol") back."""

    def send(self, data: bytes) -> None:
        """Write all of `data`; raises StreamClosed."""

    def receive(self, timeout: float) -> tuple[Channel, bytes] | None:
        """The next piece of either channel, None after `timeout` seconds; raises StreamClosed."""

    def close(self) -> None:
        """Hang up; idempotent."""


Connect = Callable[[], Stream]
"""Starts a plain `bash` (no profile, no rc file) in the sandbox; raises SandboxError."""


def send_all(descriptor: int, write: Callable[[memoryview], int], data: bytes) -> None:
    """Write `data` to a non-blocking descriptor; raises StreamClosed when it stalls or breaks."""
    rest = memoryview(data)
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    last_progress = time.monotonic()
    while rest:
        try:
            rest = rest[write(rest) :]
            last_progress = time.monotonic()
        except BlockingIOError:
            poll.poll(1000)
            if time.monotonic() - last_progress > STALL_SECONDS:
                raise StreamClosed("the sandbox's shell stopped reading its input") from None
        except OSError as error:
            raise StreamClosed(f"the connection to the sandbox broke: {error.strerror}") from error


class PipeStream:
    """A stream over two or three pipe descriptors, which it owns."""

    def __init__(self, input_fd: int, output_fd: int, protocol_fd: int | None = None) -> None:
        """Without a protocol channel the end of the output is the end of the stream."""
        self._input = input_fd
        self._channels: dict[int, Channel] = {output_fd: "output"}
        if protocol_fd is not None:
            # First: a flood of output must not keep its end from being seen.
            self._channels = {protocol_fd: "protocol", output_fd: "output"}
        self._last = next(iter(self._channels))
        self._open = {input_fd, *self._channels}
        self._poll = select.poll()
        for descriptor in self._open:
            os.set_blocking(descriptor, False)
        for descriptor in self._channels:
            self._poll.register(descriptor, select.POLLIN)

    def send(self, data: bytes) -> None:
        """See Stream."""
        if not self._open:
            raise StreamClosed("the connection to the sandbox is closed")
        send_all(self._input, lambda rest: os.write(self._input, rest), data)

    def receive(self, timeout: float) -> tuple[Channel, bytes] | None:
        """See Stream."""
        if not self._open:
            raise StreamClosed("the connection to the sandbox is closed")
        ready = dict(self._poll.poll(max(0.0, timeout) * 1000))
        for descriptor, channel in self._channels.items():
            if descriptor not in ready:
                continue
            data = os.read(descriptor, READ_SIZE)
            if data:
                return channel, data
            self._poll.unregister(descriptor)
            if descriptor == self._last:
                raise StreamClosed("the sandbox's shell keeper ended")
        return None

    def close(self) -> None:
        """See Stream."""
        while self._open:
            os.close(self._open.pop())
