"""The Compare tab: attempts beside each other, aligned on their actions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.outline import Block
from cwm_agent.view.app.tabs.steps import as_diff, ending_text
from cwm_agent.view.app.tabs.tokens import Decode
from cwm_agent.view.sanitize import clean, clean_line
from cwm_agent.view.trajectory.actions import headline
from cwm_agent.view.trajectory.align import Alignment, Row, align, differs, pivot
from cwm_agent.view.trajectory.trajectory import Step, Trajectory

NARROWEST = 12
"""Cells of a column; what has no room is named."""


def compare_blocks(
    several: Sequence[Trajectory], glyphs: Glyphs, width: int, decode: Decode | None = None
) -> list[Block]:
    """A heading for each, a line for each aligned row; a row opens into its calls."""
    if len(several) < 2:
        return []
    fit = max(2, (width - 6) // (NARROWEST + 2))
    left_out, several = several[fit:], several[:fit]
    aligned = align(several)
    column = max(NARROWEST, (width - 6) // len(several) - 2)
    blocks = [Block(_names(several, glyphs, column))]
    same = sum(not differs(row) for row in aligned.rows)
    blocks.append(Block(Text(f"      {_summary(aligned, same)}", palette.DIM)))
    if left_out:
        names = ", ".join(f"#{known.sample}" for known in left_out)
        blocks.append(Block(Text(f"      no room for {names}", palette.WARN)))
    blocks += _pivot(several, aligned, decode)
    for place, row in enumerate(aligned.rows):
        blocks += _row(place, row, aligned, column, glyphs)
    return blocks


def _names(several: Sequence[Trajectory], glyphs: Glyphs, column: int) -> Text:
    """Which attempt each column is: its sample, and of several instances or runs that as well."""
    line = Text("      ")
    runs = [Path(known.facts.get("run", "")).name for known in several]
    names = [
        [run] * (len(set(runs)) > 1) + [known.instance] * (len({k.instance for k in several}) > 1)
        for run, known in zip(runs, several, strict=True)
    ]
    for known, named in zip(several, names, strict=True):
        state = {True: "resolved", False: "unresolved", None: "unscored"}[known.outcome.resolved]
        mark = glyphs.mark(state)  # type: ignore[arg-type]
        style = {True: palette.GOOD, False: palette.BAD, None: palette.DIM}[known.outcome.resolved]
        name = Text().append(f"{mark} ", style).append(f"#{known.sample} ", "bold")
        exit_ = known.outcome.exit.replace("_", " ") or "running"
        said = " ".join(named) or exit_
        name.append(clean_line(said), palette.DIM)
        name.truncate(column, overflow="ellipsis", pad=True)
        line.append_text(name).append("  ")
    return line


def _summary(aligned: Alignment, same: int) -> str:
    if aligned.first is None:
        return f"all {same} actions are the same"
    return f"{same} of {len(aligned.rows)} rows the same; they part in row {aligned.first + 1} (=)"


def _row(place: int, row: Row, aligned: Alignment, column: int, glyphs: Glyphs) -> list[Block]:
    differ = differs(row)
    mark = ("=" if glyphs.ascii else "═") if not differ else ("#" if glyphs.ascii else "≠")
    line = Text(f"{place + 1:>3} ", palette.DIM)
    line.append(f"{mark} ", palette.DIM if not differ else f"bold {palette.WARN}")
    for step in row:
        cell = _cell(step, differ, glyphs)
        cell.truncate(column, overflow="ellipsis", pad=True)
        line.append_text(cell).append("  ")
    blocks = [Block(line, step=place + 1, failed=place == aligned.first)]
    for number, step in enumerate(row):
        if step is not None and (differ or number == 0):
            blocks.append(
                Block(
                    Text(f"  {number + 1}  step {step.number}", "bold #8b94a1"),
                    lambda step=step: _call(step),  # type: ignore[misc]
                    depth=1,
                    open=True,
                )
            )
    return blocks


def _cell(step: Step | None, differ: bool, glyphs: Glyphs) -> Text:
    if step is None:
        return Text("-", palette.DIM)
    failed = step.failure is not None
    style = palette.BAD if failed else ("" if differ else palette.DIM)
    said = clean_line(headline(step.action)[:300]) or clean_line(step.prose[:80])
    text = Text(f"{step.number} ", style)
    text.append(f"{glyphs.mark('unresolved')} " if failed else "", f"bold {palette.BAD}")
    text.append(f"{clean_line(step.action.tool) or 'says'} {said}", style)
    ending = ending_text(step)
    return text.append(f"  {ending}" if failed and ending else "", palette.BAD)


def _call(step: Step) -> str:
    return as_diff(step) if step.action.search else step.action.body or step.prose


def _pivot(several: Sequence[Trajectory], aligned: Alignment, decode: Decode | None) -> list[Block]:
    """Where the tokens of the first two part, and what each side gave both choices."""
    parted = (
        (place, pivot(row[0], row[1]) if row[0] is not None and row[1] is not None else None)
        for place, row in enumerate(aligned.rows)
    )
    place, found = next(((place, one) for place, one in parted if one is not None), (0, None))
    if found is None:
        return []
    text = f"      tokens part in row {place + 1}, token {found.place + 1} of the reply"
    lines = [Text(text, palette.WARN)]
    sides = zip(several, found.ids, found.logprobs, found.crossed, strict=False)
    for known, token, own, crossed in sides:
        shown = "the end" if token is None else repr(clean(decode(token)[0])) if decode else token
        line = Text(f"        #{known.sample} ", palette.DIM).append(f"{shown}", "bold")
        line.append("" if own is None else f"  p {math.exp(own):.3f}", palette.DIM)
        line.append(
            "" if crossed is None else f", of the other {math.exp(crossed):.3f}", palette.DIM
        )
        lines.append(line)
    return [Block(line) for line in lines]
