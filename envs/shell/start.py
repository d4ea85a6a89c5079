"""What goes into the sandbox to start a shell, and what its processes first say."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Iterator
from importlib import resources

from envs.shell.framing import Records
from envs.shell.stream import Stream, StreamClosed

NAME_BYTES = 11
"""With a blank and an exit code this is the longest name that a process can have."""


def random_name() -> bytes:
    """Letters and digits that nobody inside can know beforehand."""
    return secrets.token_hex(NAME_BYTES)[:NAME_BYTES].encode()


def signed(name: bytes) -> tuple[bytes, int]:
    """What a process has signed its end with and the exit code; b"" for another name."""
    sign, _, code = name.partition(b" ")
    return (sign, int(code) & 255) if code.isdigit() else (b"", 0)


def script(name: str) -> str:
    """One of our own scripts."""
    return resources.files("envs").joinpath("scripts", name).read_text()


def program(**variables: bytes) -> bytes:
    """The supervisor, with the loop it gives to each shell."""
    named = {"SHELL_LOOP": shlex.quote(script("loop.sh")).encode(), **variables}
    lines = [name.encode() + b"=" + value for name, value in named.items()]
    return b"\n".join([*lines, script("supervisor.sh").encode()])


def told_until(
    stream: Stream,
    records: Records,
    ready: Callable[[], bool],
    take: Callable[[bytes], object] | None,
    timeout: float,
) -> Iterator[tuple[bytes, int]]:
    """Records of a word and a number, until it is `ready`; `take` gets the output.

    Raises StreamClosed after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise StreamClosed("no shell started in time")
        piece = stream.receive(deadline - time.monotonic())
        if take and piece and piece[0] == "output":
            take(piece[1])
        for record in records.feed(piece[1]) if piece and piece[0] == "protocol" else ():
            kind, _, number = record.partition(b" ")
            if number.strip().isdigit():
                yield kind, int(number)
