"""A policy that asks the person at the terminal (or whatever writes into standard input)."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterator, Sequence

from cwm_agent.policies.estimate import EstimatingMeter, Transcript
from envs.environment import ReplyLimits
from results.records import Event, Message, Reply

HELP = """\
You are the model. Type the next message over as many lines as you need.
  .        alone on a line: send the message
  ..       alone on a line: a line that holds one dot
  .help    alone on a line: this text
End of input (Ctrl-D) interrupts the attempt; it can be resumed. A tool call looks like
  <tool: bash>
  ls
  </tool>
"""
_CHUNK = 65536


class HumanPolicy:
    """Messages typed by a person.

    `fileno` is where lines are read from (0 is standard input); `show` gets
    every text that the person must see.
    """

    def __init__(self, fileno: int, show: Callable[[str], None]) -> None:
        self._fileno = fileno
        self._show = show
        self._meter = EstimatingMeter()

    @property
    def name(self) -> str:
        """ "human"."""
        return "human"

    @property
    def meter(self) -> EstimatingMeter:
        """Estimates tokens from characters."""
        return self._meter

    def open(self, *, seed: int, temperature: float | None = None) -> HumanConversation:
        """Start asking; people are not seeded."""
        del seed, temperature
        return HumanConversation(self._fileno, self._show, self._meter)

    def close(self) -> None:
        """The terminal stays open: it is not ours."""


class HumanConversation:
    """One conversation with the person."""

    def __init__(self, fileno: int, show: Callable[[str], None], meter: EstimatingMeter) -> None:
        self._fileno = fileno
        self._show = show
        self._transcript = Transcript(meter)
        self._unread = b""
        # A write to this pipe wakes a reply that waits for a line.
        self._wake_reader, self._wake_writer = os.pipe()
        self._closed = False

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Show the messages."""
        for message in messages:
            self._show(f"--- {message.role}\n{message.text}\n")
        self._transcript.observe(messages)
        return ()

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next typed message; finish is "cancelled" at the end of input or after `cancel`."""
        del limits
        started = time.monotonic()
        if self._transcript.replies == 0:
            self._show(HELP)
        self._show("--- assistant (a line with one dot sends, .help explains)\n")
        lines: list[str] = []
        for line in self._lines():
            if line == ".":
                return self._transcript.replied("\n".join(lines), time.monotonic() - started)
            if line == ".help":
                self._show(HELP)
            else:
                lines.append("." if line == ".." else line)
        return Reply("\n".join(lines), finish="cancelled", seconds=time.monotonic() - started)

    def restore(self, events: Sequence[Event]) -> None:
        """Count what was said; the person can read it in the journal."""
        self._transcript.restore(events)

    def cancel(self) -> None:
        """Wake a waiting `reply`."""
        if not self._closed:
            os.write(self._wake_writer, b"\n")

    def close(self) -> None:
        """Close the wake-up pipe."""
        if not self._closed:
            self._closed = True
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def _lines(self) -> Iterator[str]:
        """Lines without their break, until the end of input or a cancel."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._wake_reader, selectors.EVENT_READ)
            # A regular file is always ready and cannot be watched.
            watched = _watch(waiting, self._fileno)
            while True:
                while b"\n" in self._unread:
                    line, _, self._unread = self._unread.partition(b"\n")
                    yield line.decode("utf-8", errors="replace").removesuffix("\r")
                ready = {key.fd for key, _ in waiting.select(None if watched else 0)}
                if self._wake_reader in ready:
                    os.read(self._wake_reader, _CHUNK)
                    return
                chunk = os.read(self._fileno, _CHUNK)
                if not chunk:
                    return
                self._unread += chunk


def _watch(waiting: selectors.BaseSelector, fileno: int) -> bool:
    try:
        waiting.register(fileno, selectors.EVENT_READ)
    except PermissionError:
        return False
    return True
