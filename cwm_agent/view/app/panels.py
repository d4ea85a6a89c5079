"""The lines around the two panes: title, tabs, hints, and why an attempt failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.session import TABS, Session
from cwm_agent.view.app.strip import silence
from cwm_agent.view.app.tabs.samples import why_chosen
from cwm_agent.view.app.tabs.tests import why_lines
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.sources.row import MARKS, Row

WHY_LINES = 8
SHORT = {"tokens": "Raw", "compare": "Comp"}
_HINTS = (
    ("?", "help"), ("/", "find"), ("f", "filter"), ("!", "failure"), ("]", "failed"),
    ("F", "follow"), ("c", "compare"), ("x", "export"), ("q", "quit"), (":", "commands"),
    ("z", "fold"), ("y", "copy"), ("d", "reference"),
)  # fmt: skip


def title_line(session: Session, glyphs: Glyphs, width: int) -> Text:
    """The opened attempt and how it stands."""
    opened = session.opened
    if opened is None:
        return Text(" no attempt is open", palette.DIM)
    row = session.known.get(session.opened_key) if session.opened_key else None
    line = Text(" ")
    if row is not None:
        line.append(f"{glyphs.mark(row.state)} ", MARKS[row.state].style)
    line.append(clean_line(opened.instance), palette.TITLE)
    line.append(f" #{opened.sample}", palette.DIM)
    if row is not None and row.resolved_of and not row.resolved_of.endswith("/1"):
        line.append(f"  {row.resolved_of} resolved", palette.DIM)
    tail = Text(f"{len(opened.steps)} steps ", palette.DIM)
    if opened.outcome.exit:
        tail.append(f" {clean_line(opened.outcome.exit.replace('_', ' '))} ", palette.DIM)
    line.truncate(max(8, width - tail.cell_len - 1), overflow="ellipsis")
    line.append(" " * max(1, width - line.cell_len - tail.cell_len)).append_text(tail)
    return line


def _labels(width: int) -> list[tuple[str, str]]:
    """Tabs with their numbers; short names where there is little room."""
    long = [(name, f" {n} {title} ") for n, (name, title) in enumerate(TABS.items(), 1)]
    if sum(len(label) for _, label in long) <= width:
        return long
    return [
        (name, f" {n} {SHORT.get(name, title)} ") for n, (name, title) in enumerate(TABS.items(), 1)
    ]


def tabs_line(chosen: str, width: int) -> Text:
    """The tabs, the chosen one reversed."""
    line = Text()
    for name, label in _labels(width):
        line.append(label, f"reverse {palette.INFO}" if name == chosen else palette.DIM)
    return line


def tab_at(x: int, width: int) -> str | None:
    """The tab at a cell of that line."""
    at = 0
    for name, label in _labels(width):
        if at <= x < at + len(label):
            return name
        at += len(label)
    return None


def hints_line(note: str, following: bool, glyphs: Glyphs, width: int) -> Text:
    """What was said last, else the most useful keys that fit."""
    line = Text(" ")
    if following:
        line.append(f"{glyphs.mark('live')} following  ", f"bold {palette.INFO}")
    if note:
        said = Text(glyphs.text(clean_line(note)), palette.WARN)
        line.append_text(said)
        line.truncate(width, overflow="ellipsis")
        return line
    for key, says in _HINTS:
        part = Text(key, palette.KEY).append(f" {says}  ", palette.DIM)
        if line.cell_len + part.cell_len > width:
            break
        line.append_text(part)
    return line


def why_text(session: Session, glyphs: Glyphs, live: Mapping[str, Any] | None, width: int) -> Text:
    """Why the opened attempt failed, or what a live one waits for."""
    opened = session.opened
    lines: list[Text] = []
    row = session.known.get(session.opened_key) if session.opened_key else None
    if opened is not None:
        if row is not None and row.state == "live":
            lines.append(waiting_line(session, row, live))
        chosen = why_chosen(session.evidence, opened.sample)
        lines += [chosen] if chosen is not None else []
        lines += why_lines(opened, glyphs)
    room = max(10, width - 2)
    lines = [part for line in lines for part in _fitted(line, room, glyphs)]
    shown = lines[:WHY_LINES]
    if len(lines) > WHY_LINES:
        shown[-1] = Text(f"{len(lines) - WHY_LINES + 1} more: press 3", palette.DIM)
    return Text("\n").join(shown or [Text("nothing is known yet", palette.DIM)])


def _fitted(line: Text, room: int, glyphs: Glyphs) -> list[Text]:
    """A sentence goes on in a second line; of a name (a test's) the start and the end are shown."""
    if line.cell_len <= room:
        return [line]
    if line.plain.startswith(glyphs.mark("unresolved")):
        return [glyphs.middle(line, room)]
    first, *rest = line.wrap(Console(width=room), room, tab_size=1)
    if not rest:
        return [first]
    second = Text(" ").join(rest)
    second.truncate(room - 2, overflow="ellipsis")
    return [first, Text("  ").append_text(second)]


def waiting_line(session: Session, row: Row, live: Mapping[str, Any] | None) -> Text:
    """For how long nothing was heard of a live attempt, and what it waits for."""
    doing, silent = "", 0.0
    for busy in (live or {}).get("active") or ():
        if isinstance(busy, dict) and busy.get("id") == f"{row.instance}/{row.sample}":
            doing, silent = str(busy.get("doing", "")), float(busy.get("silent") or 0)
            break
    else:
        silent = silent_since(session.reader.last_time if session.reader else row.updated)
    line = Text("silent for", palette.DIM).append_text(silence(silent))
    return line.append(f": {clean_line(doing)}" if doing else "", palette.INFO)


def silent_since(time: str) -> float:
    """Seconds since a time in ISO 8601; 0 where unknown."""
    if not time:
        return 0.0
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())
