"""The adapter on stdin and stdout, or on a port of this machine."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import BinaryIO, cast

from cwm_agent.debug.dap.adapter import Adapter, Open
from cwm_agent.debug.dap.wire import Wire


def serve_stdio(opening: Open) -> None:
    """One session. What else is printed meanwhile goes to stderr: stdout belongs to the client."""
    sys.stdout.flush()
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    Adapter(Wire(cast("BinaryIO", sys.stdin.buffer), sink), opening).serve()


def serve_port(
    opening: Open, port: int, listening: Callable[[int], None], *, once: bool = False
) -> None:
    """Sessions one after the other on a port of 127.0.0.1, 0 for any free one.

    `listening` is told which. With `once` it ends after the first session.
    """
    with socket.create_server(("127.0.0.1", port)) as server:
        listening(server.getsockname()[1])
        while True:
            connection, _ = server.accept()
            with (
                connection,
                connection.makefile("rb") as source,
                connection.makefile("wb") as sink,
            ):
                Adapter(Wire(source, sink), opening).serve()
            if once:
                return
