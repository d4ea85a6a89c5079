"""The control socket of a run: one JSON line asks, one JSON line answers.

It lies in the run's folder and only its owner may use it. A request is
`{"command": NAME, ...}`; an answer has `ok`, and `error` when that is false.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cwm_agent.errors import NotReadyError, UsageError

SOCKET = "control.sock"
SECONDS = 10.0
"""How long either side waits for the other."""
LONGEST = 64 * 1024
"""Bytes of a request."""

Request = Mapping[str, Any]
Answer = dict[str, object]


@contextmanager
def serve(folder: Path, answer: Callable[[Request], Answer]) -> Iterator[Path]:
    """Answer requests in a thread of its own until the block ends; the socket goes with it.

    Whoever calls this holds the run's lock, so a socket that is there is dead.
    """
    path = folder / SOCKET
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener, _short(folder) as place:
        listener.bind(place)
        path.chmod(0o600)
        listener.listen()
        thread = threading.Thread(target=_listen, args=(listener, answer), daemon=True)
        thread.start()
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
            thread.join(SECONDS)


def ask(folder: Path, request: Request) -> Answer:
    """Ask the process that works on the run.

    Raises NotReadyError when there is none, UsageError when it refuses.
    """
    with socket.socket(socket.AF_UNIX) as connection, _short(folder) as place:
        connection.settimeout(SECONDS)
        try:
            connection.connect(place)
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer: Answer = json.loads(_line(connection))
        except (OSError, ValueError) as error:
            raise NotReadyError(
                f"no process is working on run {folder.name} now ({error}); "
                "resume it with the `cwm-agent run` command that started it"
            ) from error
    if not answer.get("ok"):
        raise UsageError(str(answer.get("error")))
    return answer


def _listen(listener: socket.socket, answer: Callable[[Request], Answer]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        # In a thread of its own: a silent client blocks no one.
        threading.Thread(target=_talk, args=(connection, answer), daemon=True).start()


def _talk(connection: socket.socket, answer: Callable[[Request], Answer]) -> None:
    with connection, contextlib.suppress(OSError):  # who asked may be gone
        connection.settimeout(SECONDS)
        connection.sendall(json.dumps(_answer(connection, answer)).encode() + b"\n")


def _answer(connection: socket.socket, answer: Callable[[Request], Answer]) -> Answer:
    try:
        request = json.loads(_line(connection))
        if not isinstance(request, dict):
            raise UsageError("a request is one JSON object a line")
        return {"ok": True, **answer(request)}
    except (UsageError, ValueError, KeyError, TypeError) as error:
        return {"ok": False, "error": str(error)}


def _line(connection: socket.socket) -> bytes:
    data = b""
    while b"\n" not in data and len(data) < LONGEST:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    return data


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A path of the socket that fits: the kernel takes 107 bytes, a run folder may be deep."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
