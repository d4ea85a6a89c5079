"""Where the time of a trajectory went, and how full its context is, in one line."""

from __future__ import annotations

import math

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.tabs.steps import seconds
from cwm_agent.view.trajectory.trajectory import Spent, Trajectory

LEAST = 8
"""Cells for the bars; sums that leave less stay away."""
_STYLES = {"model": palette.MODEL, "tool": palette.TOOL, "wait": palette.WAIT}


def timeline(known: Trajectory, glyphs: Glyphs, width: int) -> Text:
    """Bars of the steps' durations, coloured by what took most; sums; the token gauge."""
    sums = {"model": 0.0, "tool": 0.0, "wait": 0.0}
    for step in known.steps:
        sums["model"] += step.spent.model
        sums["tool"] += step.spent.tool
        sums["wait"] += step.spent.waiting
    gauge = _gauge(known, glyphs)
    tail = Text("  ")
    for name, value in sums.items():
        part = Text(f"{name} ", palette.DIM).append(f"{seconds(value)}  ", _STYLES[name])
        if tail.cell_len + part.cell_len + gauge.cell_len + LEAST <= width:
            tail.append_text(part)
    tail.append_text(gauge)
    room = max(0, width - tail.cell_len - 1)
    line = Text(" ")
    groups = _grouped([step.spent for step in known.steps], room)
    most = max((_height(spent) for spent in groups), default=0.0)
    for spent in groups:
        line.append(glyphs.level(_height(spent), most), _STYLES[_largest(spent)])
    line.append(" " * max(0, room + 1 - line.cell_len))
    line.append_text(tail)
    line.truncate(width)
    return line


def _gauge(known: Trajectory, glyphs: Glyphs) -> Text:
    used = next((s.tokens.context for s in reversed(known.steps) if s.tokens.context), 0)
    if not used:
        return Text(f"{known.tokens:,} tok " if known.tokens else "", palette.DIM)
    if not known.context_limit:
        return Text(f"context {short(used)} ", palette.DIM)
    share = used / known.context_limit
    style = palette.BAD if share > 0.9 else palette.WARN if share > 0.7 else palette.GOOD
    line = Text(f"context {short(used)}/{short(known.context_limit)} ", palette.DIM)
    return line.append(glyphs.filled(share, 6) + " ", style)


def short(count: float) -> str:
    """A count in three or four characters."""
    if count < 1000:
        return f"{count:.0f}"
    if count < 1e6:
        return f"{count / 1e3:.0f}k" if count >= 10_000 else f"{count / 1e3:.1f}k"
    return f"{count / 1e6:.1f}M"


def _grouped(spent: list[Spent], room: int) -> list[Spent]:
    """As many groups of neighbours as there is room for."""
    if room <= 0:
        return []
    size = max(1, math.ceil(len(spent) / room))
    return [_sum(spent[at : at + size]) for at in range(0, len(spent), size)]


def _sum(parts: list[Spent]) -> Spent:
    return Spent(
        sum(part.model for part in parts),
        sum(part.tool for part in parts),
        sum(part.waiting for part in parts),
    )


def _height(spent: Spent) -> float:
    return math.log1p(10 * spent.total)


def _largest(spent: Spent) -> str:
    named = {"model": spent.model, "tool": spent.tool, "wait": spent.waiting}
    return max(named, key=lambda name: named[name])
