"""The Patch tab: what was handed in, file by file, and the reference patch behind a key."""

from __future__ import annotations

import re

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.outline import Block, diff_style
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.trajectory.trajectory import Trajectory

_FILE = re.compile(r"^diff --git .*$", re.MULTILINE)


def patch_blocks(known: Trajectory, *, gold: bool) -> list[Block]:
    """The submitted patch; with `gold` the reference patch below it."""
    blocks = _section("submitted" if known.outcome.over else "working tree", known.outcome.patch)
    if known.gold and not gold:
        title = Text("reference patch", palette.TITLE).append("  hidden: d shows it", palette.DIM)
        blocks.append(Block(title))
    elif known.gold:
        blocks += _section("reference", known.gold)
    return blocks


def _section(name: str, patch: str) -> list[Block]:
    if not patch.strip():
        return [Block(Text(f"{name}: no patch", palette.WARN))]
    files = split_files(patch)
    added, removed = count(patch)
    title = Text(f"{name}  ", palette.TITLE)
    title.append(f"{len(files)} file{'s' * (len(files) != 1)}  ", palette.DIM)
    title.append(f"+{added} ", palette.ADDED).append(f"-{removed}", palette.REMOVED)
    blocks = [Block(title, open=True, name=name)]
    for path, text in files:
        more, less = count(text)
        heading = Text(f"  {clean_line(path)}  ", "bold")
        heading.append(f"+{more} ", palette.ADDED).append(f"-{less}", palette.REMOVED)
        blocks.append(
            Block(heading, lambda text=text: text, diff_style, depth=1, open=True, name=path)  # type: ignore[misc]
        )
    return blocks


def split_files(patch: str) -> list[tuple[str, str]]:
    """Path and part of each file of a patch."""
    starts = [found.start() for found in _FILE.finditer(patch)] or [0]
    parts = [patch[start:end] for start, end in zip(starts, [*starts[1:], len(patch)], strict=True)]
    return [(_path(part), part.rstrip("\n")) for part in parts]


def _path(part: str) -> str:
    for prefix in ("+++ b/", "--- a/"):
        found = re.search(rf"^{re.escape(prefix)}(.*)$", part, re.MULTILINE)
        if found:
            return found[1].rstrip("\t")
    first = part.partition("\n")[0].removeprefix("diff --git ")
    return first.rpartition(" b/")[2] or first


def count(patch: str) -> tuple[int, int]:
    """Lines that a patch adds and removes."""
    lines = patch.split("\n")
    added = sum(line.startswith("+") and not line.startswith("+++ ") for line in lines)
    removed = sum(line.startswith("-") and not line.startswith("--- ") for line in lines)
    return added, removed
