"""The status strip: counts, score with its interval, and of a live run its engine and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.sources.row import MARKS, Row, counts
from results.reports.metrics import share


def strip(
    name: str,
    rows: Sequence[Row],
    glyphs: Glyphs,
    width: int,
    live: Mapping[str, Any] | None = None,
) -> Text:
    """One line of `width` cells; `live` is what the control socket says of the run."""
    found = counts(rows)
    line = Text(" ", no_wrap=True).append(clean_line(name), palette.TITLE).append("  ")
    if live is not None:
        line.append(f"{glyphs.mark('live')} {_phase(live)}  ", f"bold {palette.INFO}")
    for state, number in found.items():
        if number:
            line.append(f"{glyphs.mark(state)} {number}  ", MARKS[state].style)
    score = _score(rows)
    tail = Text()
    if live is not None:
        tail = _engine(live)
    room = width - line.cell_len
    for part in (score, tail):
        if part.cell_len and part.cell_len <= room:
            line.append_text(part)
            room -= part.cell_len
    line.truncate(width)
    return line


def _score(rows: Sequence[Row]) -> Text:
    """Resolved among those with a verdict; infrastructure failures count as none."""
    judged = [row for row in rows if row.state in ("resolved", "unresolved")]
    if not judged:
        return Text()
    found = share(sum(row.state == "resolved" for row in judged), len(judged))
    line = Text(f"{found.value:.1%}", "bold")
    return line.append(f" [{100 * found.low:.1f}, {100 * found.high:.1f}]  ", palette.DIM)


def _phase(live: Mapping[str, Any]) -> str:
    phase = str(live.get("phase", "running"))
    return f"{phase} {live.get('workers', '?')} workers"


def _engine(live: Mapping[str, Any]) -> Text:
    line = Text(f"{float(live.get('tokens_per_second') or 0):.0f} tok/s  ", palette.DIM)
    used = [
        engine["kv_used"]
        for engine in live.get("engines") or ()
        if isinstance(engine, dict) and engine.get("kv_used") is not None
    ]
    if used:
        line.append(f"KV {max(used):.0%}  ", palette.WARN if max(used) > 0.9 else palette.DIM)
    eta = live.get("eta")
    if isinstance(eta, int | float):
        line.append(f"{timedelta(seconds=int(eta))} to go", palette.DIM)
    return line
