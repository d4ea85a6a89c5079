"""Ctrl-C for a whole run: the first drains it, the second stops it; SIGTERM is like the second."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Signals:
    """How often the user asked to end. The runner's main loop looks at it: no lock is taken."""

    count: int = 0


@contextmanager
def caught_signals() -> Iterator[Signals]:
    """Count signals in the main thread until the block ends."""
    seen = Signals()

    def receive(number: int, frame: FrameType | None) -> None:
        del frame
        seen.count += 2 if number == signal.SIGTERM else 1

    previous = {
        number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield seen
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
