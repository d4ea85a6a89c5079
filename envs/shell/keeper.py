"""The first process of a sandbox: it holds the lifeline, and it is the witness of the shells.

scripts/keeper.sh cannot be read, traced or written to from inside (see there), so what it
says of another process is what the kernel says.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from dataclasses import dataclass
from importlib import resources

from envs.shell.framing import Records
from envs.shell.stream import Stream, StreamClosed

ANSWER_SECONDS = 30.0
PLAIN = ("--noprofile", "--norc", "-p")
"""Options of a bash that heeds no start file and, by -p, none of BASH_ENV, SHELLOPTS and exported
functions, which an image or the user's variables may set. A command's shell turns -p off again,
and gets what BASH_ENV gives as it gets that of ~/.bashrc (envs.shell.startup)."""
UNREADABLE = 0o111
"""The mode of the keeper's own bash: a process whose program its user may not read is
closed to all others of that user, see would_dump() in Linux's fs/exec.c."""


def command_line(idle_seconds: float, lifetime_seconds: float) -> list[str]:
    """What follows the program `bash` to make it a keeper."""
    script = resources.files("envs").joinpath("scripts", "keeper.sh").read_text()
    seconds = [str(math.ceil(x)) for x in (idle_seconds, lifetime_seconds)]
    return [*PLAIN, "-c", script, "keeper", *seconds]


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the sandbox, as the kernel describes it.

    `name` is at most 15 bytes, which only the process itself can set.
    `parent` is 0 for one that came from outside or that the keeper started for us.
    """

    parent: int
    name: bytes


class Keeper:
    """Talks to one keeper."""

    def __init__(self, stream: Stream, idle_seconds: float) -> None:
        self._stream = stream
        self._idle = idle_seconds
        self._lease = self._idle
        self._granted = b""
        self._lock = threading.Lock()

    def renew(self, seconds: float) -> None:
        """Let it live for so long; when it reads no more, the next command finds out why."""
        if seconds != self._idle or self._lease != seconds:
            with contextlib.suppress(StreamClosed):
                self._tell(seconds, "")

    def look(self, pid: int, call: bytes = b"") -> Process | None:
        """The process as it is now, None where there is none; raises StreamClosed.

        Where it has signed the end of `call`, that is granted. Asked when the call
        seems to be over: so it grants the idle time, too.
        """
        with self._lock:
            parent, _, name = self._ask(
                f"look {pid} {call.decode()}", self._idle if call else None
            ).partition(b" ")
            end = name.partition(b" ")[0]
            if call and end.endswith(call):
                self._granted = end
        return Process(int(parent), name) if parent else None

    def grant(self, end: bytes) -> None:
        """Let the shell that has signed `end` take up a command; raises StreamClosed."""
        with self._lock:
            if end != self._granted:
                self._ask(f"grant {end.decode()}")
                self._granted = end

    def spawn(self, source: str, output: str, protocol: str) -> None:
        """Have it start a bash with these files as descriptors 0, 1 and 2; raises StreamClosed."""
        with self._lock:
            self._ask(f"spawn {source} {output} {protocol}")

    def limit(self, words: str) -> None:
        """Set limits of its shells by `ulimit`; also tells that it is there."""
        with self._lock:
            self._ask(f"{words}; answer")

    def close(self) -> None:
        """Hang up, so that it ends."""
        self._stream.close()

    def _tell(self, seconds: float, command: str) -> None:
        self._lease = seconds
        self._stream.send(f"{math.ceil(seconds):02d} {command}\n".encode())

    def _ask(self, command: str, seconds: float | None = None) -> bytes:
        """Its one-record answer to a command; the lease is as before without `seconds`."""
        self._tell(self._lease if seconds is None else seconds, command)
        records, said, deadline = Records(), b"", time.monotonic() + ANSWER_SECONDS
        try:
            while (left := deadline - time.monotonic()) > 0:
                piece = self._stream.receive(left)
                if piece and piece[0] == "output":
                    for record in records.feed(piece[1]):
                        return record[1:]  # it begins with a colon, for it may be empty
                elif piece:
                    said += piece[1]
        except StreamClosed as error:
            why = said.decode("utf-8", "replace").strip()
            raise StreamClosed(f"{error} ({why})" if why else str(error)) from error
        self._stream.close()  # a late answer would be taken for the next one's
        raise StreamClosed("the sandbox's first process does not answer")
