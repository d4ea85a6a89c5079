"""One call of a shell: what is known of it while it runs, and how it ended."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from envs.shell.framing import HeadTail, UntilMark, UntilToken
from envs.shell.interactive import waits_for_a_person
from tools.workspace import Cause, Ending

CALL_BYTES = 4
END_BYTES = 6 + CALL_BYTES
"""What the shell signs the end with, in its name and behind the prefix of its mark; see loop.sh."""
QUEUE_SECONDS = 15.0
"""How long a shell may take to begin with a command; does not count as the command's time."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How one command ended; see tools.workspace.CommandResult."""

    output: bytes
    dropped: int
    exit_code: int | None
    ending: Ending
    seconds: float
    queued: float = 0.0
    cause: Cause | None = None
    programs: tuple[str, ...] = ()


class Call:
    """What is known of one call so far. Times are of the monotonic clock."""

    def __init__(
        self,
        mark: bytes,
        limit: int,
        *,
        timeout: float,
        queue: float = QUEUE_SECONDS,
        opening: bytes = b"",
    ) -> None:
        """`mark` begins the end of the output, of which `limit` bytes are kept.

        `timeout` counts from when it begins to run. With `opening` the output begins behind
        that; what came before it was somebody else's.
        """
        self._opening = UntilToken(opening) if opening else None
        self.name = secrets.token_hex(CALL_BYTES)[:CALL_BYTES].encode()
        self.scanner = UntilMark(mark, END_BYTES)
        self.output = HeadTail(limit)
        self.sent = time.monotonic()
        self.begun: float | None = None
        self.exit_code: int | None = None
        self.end = b""
        """What the shell has marked the end with; known of what is done."""
        self.folder: bytes | None = None
        """Where the shell stands, b"" where that has no name; known once it has told."""
        self.programs: set[str] = set()
        self.ended = self.stopped = self.late = self.lost = self.disk_full = False
        self._timeout = timeout
        self._queue = queue

    def keep(self, data: bytes) -> None:
        """Take output, as far as it belongs to the call."""
        if self._opening is None:
            self.output.feed(data)
        else:
            self._opening.feed(data)
            if self._opening.found:
                self.output.feed(self._opening.rest)
                self._opening = None

    @property
    def deadline(self) -> float:
        """When to give it up."""
        if self.begun is None:
            return self.sent + max(self._queue, self._timeout)
        return self.begun + self._timeout

    @property
    def over(self) -> bool:
        """The command has ended and all its output is here, or its shell has ended."""
        return self.ended or (self.folder is not None and self.scanner.found)

    def finished(self) -> Finished:
        """The result, once nothing more is awaited."""
        ending: Ending = "exited"
        if self.lost:
            ending = "lost"
        elif self.stopped:
            ending = "timeout"
        elif self.ended:
            ending = "shell_ended"
        now = time.monotonic()
        begun = now if self.begun is None else self.begun
        return Finished(
            output=self.output.value(),
            dropped=self.output.dropped,
            exit_code=self.exit_code if ending in ("exited", "shell_ended") else None,
            ending=ending,
            seconds=now - begun,
            queued=begun - self.sent,
            cause=self._cause(ending),
            programs=tuple(waits_for_a_person(self.programs) or sorted(self.programs)),
        )

    def _cause(self, ending: Ending) -> Cause | None:
        """What the shell itself knows; the session knows more of some endings."""
        if ending == "timeout":
            if self.disk_full:
                return "disk_full"
            return "interactive" if waits_for_a_person(self.programs) else "timeout"
        return "shell_ended" if ending == "shell_ended" else None
