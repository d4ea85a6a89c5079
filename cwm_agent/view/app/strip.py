"""The compact views of a run: counts, score and engine in a line, and what is at work now.

The application shows them, and `run` and `ctl` print them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.timeline import short
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.sources.row import MARKS, State
from cwm_agent.wording import counted
from results.reports.metrics import share

SILENT = 60.0
"""Seconds after which silence is worth a colour."""
TOOL_TIMEOUT = 120.0
ENGINES = 8
"""Engines that get a line each, when there are several."""
Live = Mapping[str, Any]
"""What `cwm-agent ctl RUN status --json` has under `status`."""


def strip(
    name: str, found: Mapping[State, int], glyphs: Glyphs, width: int, live: Live | None = None
) -> Text:
    """One line of `width` cells; `live` is what the control socket says of the run."""
    line = Text(" ", no_wrap=True).append(clean_line(name), palette.TITLE).append("  ")
    if live is not None:
        line.append(f"{glyphs.mark('live')} {_phase(live)}  ", f"bold {palette.INFO}")
    for state, number in found.items():
        if number:
            line.append(f"{glyphs.mark(state)} {number}  ", MARKS[state].style)
    room = width - line.cell_len
    for part in (_score(found), *(_engine(live) if live is not None else ())):
        if part.cell_len and part.cell_len <= room:
            line.append_text(part)
            room -= part.cell_len
    line.truncate(width)
    return line


def board(live: Live, glyphs: Glyphs, width: int, most: int) -> list[Text]:
    """A live run in a few lines: how far it is, its engines, and `most` attempts at work."""
    lines = [_bar(live, glyphs), *_engines(live)]
    active = list(live.get("active") or ())
    lines += [busy_line(busy, glyphs, width) for busy in active[:most]]
    if len(active) > most:
        lines.append(Text(f" {len(active) - most} more at work", palette.DIM))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def busy_line(busy: Live, glyphs: Glyphs, width: int) -> Text:
    """An attempt at work: its turn, what it does or waits for, and for how long it was silent."""
    line = Text(f" {glyphs.mark('live')} ", palette.INFO)
    name = Text(clean_line(str(busy.get("id", ""))))
    name.truncate(max(16, width // 3), overflow="ellipsis", pad=True)
    line.append_text(name).append(f" {busy.get('turn') or 0:>3} ", palette.DIM)
    tail = silence(float(busy.get("silent") or 0))
    doing = Text(clean_line(str(busy.get("doing", ""))))
    doing.truncate(max(8, width - line.cell_len - tail.cell_len - 2), overflow="ellipsis", pad=True)
    return line.append_text(doing).append(" ").append_text(tail)


def silence(seconds: float) -> Text:
    """How long nothing was heard: amber after a minute, red when a tool should have ended."""
    style = palette.DIM
    if seconds > SILENT:
        style = palette.BAD if seconds > TOOL_TIMEOUT else palette.WARN
    return Text(f"{seconds:>5.0f} s", style)


def states_of(counts: Mapping[str, int]) -> dict[State, int]:
    """The states of a live run's attempts as a list marks them."""
    named: Mapping[State, tuple[str, ...]] = {
        "resolved": ("resolved",), "unresolved": ("unresolved",), "error": ("failed", "cancelled"),
        "live": ("running", "judging"), "unscored": ("unjudged",), "new": ("waiting",),
    }  # fmt: skip
    return {state: sum(counts.get(name, 0) for name in names) for state, names in named.items()}


def _bar(live: Live, glyphs: Glyphs) -> Text:
    counts, total = live.get("counts") or {}, int(live.get("total") or 0)
    ended = total - sum(counts.get(name, 0) for name in ("waiting", "running", "judging"))
    line = Text(" ").append(glyphs.filled(ended / total if total else 0.0, 20), palette.GOOD)
    line.append(f" {ended}/{total}  ")
    spent = timedelta(seconds=int(live.get("seconds") or 0))
    said = (
        f"{counted(int(live.get('turns') or 0), 'turn')}, "
        f"{short(live.get('tokens') or 0)} tokens, {spent} so far"
    )
    return line.append(said, palette.DIM)


def _engines(live: Live) -> Iterable[Text]:
    """A line for each of several engines; of a single one the first line says all."""
    engines = [engine for engine in live.get("engines") or () if isinstance(engine, Mapping)]
    for engine in engines[:ENGINES] if len(engines) > 1 else ():
        used = engine.get("kv_used")
        line = Text(f"   {clean_line(str(engine.get('name', '')))}  ")
        said = (
            f"{engine.get('running', 0)} running, {engine.get('waiting', 0)} waiting  "
            f"{float(engine.get('tokens_per_second') or 0):.0f} tok/s  "
        )
        yield line.append(said + ("" if used is None else f"KV {used:.0%}"), palette.DIM)


def _score(found: Mapping[State, int]) -> Text:
    """Resolved among those with a verdict; infrastructure failures count as none."""
    resolved = found.get("resolved", 0)
    judged = resolved + found.get("unresolved", 0)
    if not judged:
        return Text()
    score = share(resolved, judged)
    line = Text(f"{score.value:.1%}", "bold")
    return line.append(f" [{100 * score.low:.1f}, {100 * score.high:.1f}]  ", palette.DIM)


def _phase(live: Live) -> str:
    phase = str(live.get("phase", "running"))
    return f"{phase} {live.get('workers', '?')} workers"


def _engine(live: Live) -> Iterable[Text]:
    """The time to go first: where it is narrow, the rest stays away."""
    eta = live.get("eta")
    if isinstance(eta, int | float):
        yield Text(f"{timedelta(seconds=int(eta))} to go  ", palette.DIM)
    yield Text(f"{float(live.get('tokens_per_second') or 0):.0f} tok/s  ", palette.DIM)
    used = [
        engine["kv_used"]
        for engine in live.get("engines") or ()
        if isinstance(engine, dict) and engine.get("kv_used") is not None
    ]
    if used:
        yield Text(f"KV {max(used):.0%}  ", palette.WARN if max(used) > 0.9 else palette.DIM)
