"""The Patch tab: what was handed in, file by file, and the reference patch behind a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from rich.text import Text

from cwm_agent.view.app import palette
from cwm_agent.view.app.outline import Block
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.trajectory.trajectory import Trajectory
from cwm_agent.wording import counted

_FILE = re.compile(r"^diff --git .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reference:
    """The patch of a data set, "" where there is none; `problem` says why it cannot be read."""

    patch: str
    problem: str = ""


def patch_blocks(known: Trajectory, reference: Reference | None, *, gold: bool) -> list[Block]:
    """The submitted patch; with `gold` the reference patch below it, None before it is read."""
    patch = known.outcome.patch
    blocks = _section("submitted" if known.outcome.over else "working tree", patch)
    title = Text("reference  ", palette.TITLE)
    if not gold:
        return [*blocks, Block(title.append("hidden: d shows it", palette.DIM))]
    if reference is None:
        return [*blocks, Block(title.append("is being read", palette.DIM))]
    if reference.problem:
        problem = reference.problem
        title.append("cannot be read", palette.WARN)
        return [*blocks, Block(title, lambda: problem, open=True)]
    if not reference.patch.strip():
        return [*blocks, Block(title.append("none is known here", palette.WARN))]
    return [
        *blocks,
        Block(Text()),
        *_section("reference", reference.patch),
        Block(_files(patch, reference.patch)),
    ]


def _files(patch: str, reference: str) -> Text:
    """Which files both touch."""
    ours = {path for path, _ in split_files(patch)} if patch.strip() else set()
    theirs = {path for path, _ in split_files(reference)}
    parts = [f"files of the reference touched: {len(ours & theirs)} of {len(theirs)}"]
    for word, paths in (("left alone", theirs - ours), ("touched besides", ours - theirs)):
        if paths:
            parts.append(f"{word}: {', '.join(sorted(paths))}")
    return Text(clean_line("; ".join(parts)), palette.DIM)


def _section(name: str, patch: str) -> list[Block]:
    if not patch.strip():
        return [Block(Text(f"{name}: no patch", palette.WARN))]
    files = split_files(patch)
    added, removed = count(patch)
    title = Text(f"{name}  ", palette.TITLE)
    title.append(f"{counted(len(files), 'file')}  ", palette.DIM)
    title.append(f"+{added} ", palette.ADDED).append(f"-{removed}", palette.REMOVED)
    blocks = [Block(title, open=True, name=name)]
    for path, text in files:
        more, less = count(text)
        heading = Text(f"  {clean_line(path)}  ", "bold")
        heading.append(f"+{more} ", palette.ADDED).append(f"-{less}", palette.REMOVED)
        raw = partial(str, text)
        blocks.append(Block(heading, raw, palette.diff_style, depth=1, open=True, name=path))
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
