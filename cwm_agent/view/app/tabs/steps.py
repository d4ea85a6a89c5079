"""The Steps tab: one line a step, opened in place."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.trajectory.actions import headline
from cwm_agent.view.trajectory.failures import WORDS
from cwm_agent.view.trajectory.trajectory import Step, Trajectory
from cwm_agent.wording import counted


def steps_blocks(known: Trajectory, glyphs: Glyphs, width: int = 100) -> list[Block]:
    """The opening messages, the steps, and how it ended."""
    blocks = []
    for message in known.opening:
        heading = Text.assemble(
            (f"{clean_line(message.role)}  ", "bold"),
            (_size(message.text), palette.DIM),
            ("  " + _first(message.text), palette.DIM),
        )
        blocks.append(Block(heading, _said(message.text), name=message.role))
    for step in known.steps:
        blocks += step_blocks(step, glyphs, width)
    if known.problem:
        note = Text(f"{glyphs.mark('damaged')} ", "bold #c792ea")
        note.append("what follows could not be read", "bold")
        blocks.append(Block(note, _said(known.problem), failed=True, open=True))
    return blocks


def step_blocks(step: Step, glyphs: Glyphs, width: int) -> list[Block]:
    """One step: its line, and what it unfolds into."""
    found = [
        Block(step_line(step, glyphs, width), step=step.number, failed=step.failure is not None)
    ]

    def add(
        name: str, raw: str, *, opened: bool = True, about: str = "", diff: bool = False
    ) -> None:
        if raw.strip():
            title = Text(f"  {name}", "bold #8b94a1").append(
                f"  {about or _size(raw)}", palette.DIM
            )
            styler = palette.diff_style if diff else None
            found.append(
                Block(title, _said(raw), styler, depth=1, step=step.number, open=opened, name=name)
            )  # fmt: skip

    if step.thinking:
        written = step.tokens.written
        tokens = f"{counted(written, 'token')} with the call, " if written else ""
        add("think", step.thinking, opened=False, about=f"{tokens}{_size(step.thinking)}")
    add("says", step.prose)
    if step.action.search:
        add("edit", as_diff(step), about=clean_line(step.action.path), diff=True)
    elif step.action.kind != "none":
        add(step.action.tool or "call", step.action.body)
    elif step.raw and not step.prose:
        add("reply", step.raw)
    if step.error and step.error not in step.observation:
        add("error", step.error)
    about = _size(step.observation)
    if step.dropped_bytes:
        about += f", {step.dropped_bytes:,} bytes dropped"
    add("observation", step.observation, about=about)
    if step.diff is not None:
        add("working tree", step.diff, opened=False, diff=True)
    return found


def as_diff(step: Step) -> str:
    """What an edit replaces, as a diff."""
    old, new = step.action.search.split("\n"), step.action.replace.split("\n")
    return "\n".join(line.rstrip("\n") for line in difflib.ndiff(old, new) if line[:1] != "?")


def step_line(step: Step, glyphs: Glyphs, width: int) -> Text:
    """A step in one line of at most `width` cells: also what `solve` shows live."""
    line = Text(no_wrap=True)
    failed = step.failure is not None
    mark = ("!" if failed else " ") if glyphs.ascii else ("✗" if failed else " ")
    line.append(f"{mark}", f"bold {palette.BAD}")
    line.append(f"{step.number:>3} ", palette.DIM)
    name = clean_line(step.action.tool) if step.action.kind != "none" else "no call"
    if step.action.kind == "none" and not failed:
        name = "says"
    line.append(f"{name[:8]:<8} ", "bold" if not failed else f"bold {palette.BAD}")
    ending = ending_text(step)
    tail = Text()
    if ending:
        bad = failed or bool(step.exit_code)
        tail.append(f"  {ending}", palette.BAD if bad else palette.GOOD)
    tail.append(f"  {seconds(step.spent.total):>6}", palette.DIM)
    if width >= 70:
        tail.append(f"  {_bytes(step.observation):>7}", palette.DIM)
    room = max(4, width - line.cell_len - tail.cell_len)
    said = clean_line(headline(step.action)[:500]) or _first(step.prose)
    body = Text(said, "" if step.action.kind != "none" else palette.DIM)
    body.truncate(room, overflow="ellipsis", pad=True)
    if glyphs.ascii:
        body.plain = body.plain.replace("…", "~")
    return line.append_text(body).append_text(tail)


def ending_text(step: Step) -> str:
    """How the call ended, in a word or two."""
    if step.failure and step.failure not in ("exit", "traceback"):
        return clean_line(WORDS[step.failure])
    if step.failure == "traceback" and not step.exit_code:
        return "traceback"
    if step.exit_code is not None:
        return f"exit {step.exit_code}"
    return "" if step.ok else "failed"


def seconds(value: float) -> str:
    """Seconds for a narrow column."""
    if value < 100:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 10_000 else f"{value / 3600:.1f} h"


def _said(text: str) -> Callable[[], str]:
    return lambda: text


def _size(text: str) -> str:
    lines = text.count("\n") + 1
    return f"{lines:,} lines" if lines > 1 else f"{len(text):,} characters"


def _bytes(text: str) -> str:
    size = len(text)
    return f"{size} B" if size < 1000 else f"{size / 1000:.1f} kB" if size < 1e6 else (
        f"{size / 1e6:.1f} MB"
    )  # fmt: skip


def _first(text: str) -> str:
    return clean_line(text[:400].strip().partition("\n")[0])
