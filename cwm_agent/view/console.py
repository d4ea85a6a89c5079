"""The rich console that all printed views share."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from rich.console import Console

PIPE_WIDTH = 240
"""Columns when nobody looks: wide enough that no table is cut."""


def console(file: TextIO | None = None) -> Console:
    """A console on stdout that never interprets text as markup.

    Without a terminal it writes no colour and no control sequence. NO_COLOR is
    honoured by rich.
    """
    target = file or sys.stdout
    return Console(
        file=target,
        markup=False,
        emoji=False,
        highlight=False,
        soft_wrap=True,
        width=None if target.isatty() else PIPE_WIDTH,
    )


def fill_terminal() -> None:
    """Before a full-screen program is made: have it fill the terminal, whatever COLUMNS says.

    A shell or a program above may have exported it, for another terminal or an earlier size.
    """
    if sys.stdout.isatty():
        for name in ("COLUMNS", "LINES"):
            os.environ.pop(name, None)
