"""Standard input, output and error of the program, whatever state they were handed over in.

A closed one is opened on /dev/null: else its number would go to the next file,
a journal perhaps, and what a child process prints would go there. A result that
cannot be written is an error. A message that cannot be written is not: a full
disk behind a log, or a reader that left, must not cost the work that it tells of.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys

from cwm_agent.errors import CwmAgentError


class OutputError(CwmAgentError):
    """The results cannot be written to standard output (exit code 4)."""


class ReaderGoneError(OutputError):
    """Whoever read our standard output has enough; what was asked for is done all the same."""


class _Output(io.FileIO):
    """Raises OutputError once; what follows is dropped, also when Python ends."""

    lost = False

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        if self.lost:
            return view.nbytes
        try:
            return _write(self.fileno(), view)
        except OSError as error:
            self.lost = True
            if error.errno == errno.EPIPE:
                raise ReaderGoneError("nobody reads standard output any more") from error
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error


class _Messages(io.FileIO):
    """Drops what cannot be written."""

    def write(self, data: object) -> int:
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        try:
            return _write(self.fileno(), view)
        except OSError:
            return view.nbytes


def _write(descriptor: int, data: memoryview) -> int:
    """Write some of `data`; waits where another program made the descriptor non-blocking."""
    while True:
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            select.select([], [descriptor], [])


def set_up_streams() -> None:
    """Replace the three streams of this process; no character is ever refused by their encoding."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(descriptor, True)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - for good
    sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Messages(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: object) -> io.TextIOWrapper:
    """A stream of text over `raw` with the encoding that Python chose for the one before."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", None) or "utf-8",
        errors="backslashreplace",
        line_buffering=getattr(before, "line_buffering", False),
    )
