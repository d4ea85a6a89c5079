"""Stopping an attempt: once to finish the turn and save, twice to stop now."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event
from types import FrameType
from typing import Protocol


class Stop(Protocol):
    """What the loop asks: whether to end between two turns, and why a turn broke off.

    A conversation is played inside of it as a context.
    """

    cancel: Callable[[], None] | None
    """How to cancel a reply of the running conversation; set by the loop."""
    kill: Callable[[], None] | None
    """How to end the processes of the open sandbox; set by whoever makes it."""

    @property
    def requested(self) -> bool:
        """The attempt shall end before its next reply."""

    @property
    def stopped(self) -> bool:
        """It shall end now; what breaks from then on broke because of that."""

    def ask(self) -> None:
        """End between two turns."""

    def force(self) -> None:
        """End now."""

    def wait(self, seconds: float) -> bool:
        """Whether the end is asked for; waits so long for it."""

    def shield(self) -> AbstractContextManager[None]:
        """A block that must not be broken off: a journal line is whole or not there."""

    def __enter__(self) -> object:
        """From now on a conversation is played."""

    def __exit__(self, *exc: object) -> None:
        """It ended."""


class CancelToken:
    """A stop that comes from another thread: of one attempt among many.

    `ask` lets the turn finish. `force` cancels the reply under way and calls
    `kill`, which ends the sandbox's processes: nothing waits any longer then.
    """

    def __init__(self) -> None:
        self.asked = Event()
        self.stopped = False
        self.cancel: Callable[[], None] | None = None
        self.kill: Callable[[], None] | None = None

    @property
    def requested(self) -> bool:
        """See Stop."""
        return self.asked.is_set()

    def ask(self) -> None:
        """End between two turns."""
        self.asked.set()

    def force(self) -> None:
        """End now; harmless when called again."""
        self.stopped = True
        self.asked.set()
        for end in (self.cancel, self.kill):
            if end is not None:
                end()

    def wait(self, seconds: float) -> bool:
        """See Stop."""
        return self.asked.wait(seconds)

    def shield(self) -> AbstractContextManager[None]:
        """Nothing is ever raised into the attempt's thread."""
        return nullcontext()

    def __enter__(self) -> CancelToken:
        return self

    def __exit__(self, *exc: object) -> None:
        """It can be asked at any time."""


class Interrupt:
    """The user's request to stop. Install it as a context manager in the main thread.

    The first SIGINT sets `requested`; the loop looks at it between turns. The
    second one, and any SIGTERM, raises KeyboardInterrupt where the program
    stands, except inside `shield`, where it waits for the end of the block.
    `notify` is called with 1 and 2 to tell the user. With `cancel_replies` the
    first SIGINT also cancels a reply that is under way: right for a person who
    is being waited for, wrong for a model whose tokens have cost something.
    """

    def __init__(
        self, notify: Callable[[int], None] | None = None, *, cancel_replies: bool = False
    ) -> None:
        self.requested = False
        self.stopped = False
        self.cancel: Callable[[], None] | None = None
        self.kill: Callable[[], None] | None = None
        self._notify = notify
        self._cancel_replies = cancel_replies
        self._stopping = False
        self._shields = 0
        self._previous: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *exc: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def ask(self) -> None:
        """Let the turn finish; a person's reply is cancelled."""
        self.requested = True
        self._tell(1)
        if self._cancel_replies and self.cancel is not None:
            self.cancel()

    def force(self) -> None:
        """Break off what the main thread does, by KeyboardInterrupt."""
        self.requested = self.stopped = True
        self._tell(2)
        if self._shields:
            self._stopping = True
        else:
            raise KeyboardInterrupt

    def wait(self, seconds: float) -> bool:
        """See Stop; between two conversations Ctrl-C ends the program."""
        time.sleep(seconds)
        return self.requested

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Let a block finish (a journal line must be written whole or not at all)."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if self._stopping and not self._shields:
            self._stopping = False
            raise KeyboardInterrupt

    def _receive(self, number: int, frame: FrameType | None) -> None:
        del frame
        if not self.requested and number == signal.SIGINT:
            self.ask()
        else:
            self.force()

    def _tell(self, level: int) -> None:
        if self._notify is not None:
            self._notify(level)
