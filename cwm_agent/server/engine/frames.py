"""Messages over a socket between two processes of ours: length, then a pickle.

Both ends are this program, on a socket pair that nobody else can open; that is
what makes pickles right here.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def pack(message: object) -> bytes:
    """One frame."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(body)) + body


def receive(line: socket.socket) -> Any:
    """The next message; raises EOFError when the other end is gone."""
    (length,) = _LENGTH.unpack(_exactly(line, _LENGTH.size))
    return pickle.loads(_exactly(line, length))


def _exactly(line: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = line.recv(count - len(parts))
        except OSError as error:
            raise EOFError from error
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


async def read(reader: asyncio.StreamReader) -> Any:
    """The next message; raises EOFError when the other end is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return pickle.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, OSError) as error:
        raise EOFError from error
