"""Live progress of a run on standard error: the viewer's compact views."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from cwm_agent.batch.status import Status, StatusReporter, line
from cwm_agent.view.app.glyphs import glyphs_here
from cwm_agent.view.app.strip import board as live_board
from cwm_agent.view.app.strip import states_of, strip
from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean_line

SHOWN = 40
"""Attempts at work on the screen."""
EVERY = 30.0
"""Seconds between two lines where nobody looks at a terminal."""


@dataclass(frozen=True, slots=True)
class Screen:
    """`refresh` shows how the run stands, when it is time; `say` writes a line that stays."""

    refresh: Callable[[], None]
    say: Callable[[str], None]


@contextmanager
def screen(reporter: StatusReporter, stream: TextIO, every: float = EVERY) -> Iterator[Screen]:
    """A table that is redrawn on a terminal; elsewhere one plain line `every` so many seconds."""
    target = console(stream)

    def say(text: str) -> None:
        target.print(Text(clean_line(text), "yellow"))

    if target.is_terminal:
        with Live(console=target, auto_refresh=False, transient=True) as live:
            yield Screen(lambda: live.update(drawn(reporter.status(), target), refresh=True), say)
        return
    last = time.monotonic()

    def refresh() -> None:
        nonlocal last
        status = reporter.status()  # each tick: the throughput is taken from what it saw before
        if time.monotonic() - last >= every:
            last = time.monotonic()
            print(clean_line(line(status)), file=stream, flush=True)

    yield Screen(refresh, say)


def drawn(status: Status, target: Console) -> Group:
    """The run for a terminal: its strip, how far it is, a line for each attempt at work."""
    live, glyphs, width = status.as_json(), glyphs_here(), target.width
    head = strip(status.run, states_of(status.counts), glyphs, width, live)
    return Group(head, *live_board(live, glyphs, width, max(1, min(SHOWN, target.height - 4))))
