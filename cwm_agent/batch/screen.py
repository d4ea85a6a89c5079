"""Live progress of a run on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.live import Live

from cwm_agent.batch.board import Board, line, table
from cwm_agent.view.console import console
from cwm_agent.view.sanitize import clean_line

EVERY = 30.0
"""Seconds between two lines where nobody looks at a terminal."""


@contextmanager
def screen(board: Board, stream: TextIO) -> Iterator[Callable[[], None]]:
    """A function that refreshes the screen: a table on a terminal, else a line now and then."""
    target = console(stream)
    if target.is_terminal:
        with Live(console=target, auto_refresh=False, transient=True) as live:
            yield lambda: live.update(table(board.status()), refresh=True)
        return
    last = time.monotonic()

    def refresh() -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            print(clean_line(line(board.status())), file=stream, flush=True)

    yield refresh
