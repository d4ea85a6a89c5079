"""The conversation of an attempt as a text that somebody else can read."""

from __future__ import annotations

from pathlib import Path

from cwm_agent.view.console import console
from cwm_agent.view.plain import Detail, PlainView
from results.journal import Lines
from results.records import Replied
from results.store import Attempt


def has_reply(attempt: Attempt) -> bool:
    """Whether the model said anything in it."""
    if not attempt.events_path.is_file():
        return False
    return any(isinstance(entry.event, Replied) for entry in Lines(attempt.events_path).entries())


def write_trace(attempt: Attempt, path: Path) -> None:
    """Every message, thought and call in full, without the verdict."""
    with path.open("w", encoding="utf-8") as file:
        PlainView(console(file), Detail(full=True, think=True)).events(
            Lines(attempt.events_path).entries()
        )
