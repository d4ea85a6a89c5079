"""The colours of the application, in one place; each meaning has a shape or a word besides."""

from __future__ import annotations

TITLE = "bold"
DIM = "#8b94a1"
KEY = "bold #5fb3e8"
GOOD = "#4ec27a"
BAD = "#e8697d"
WARN = "#e5b454"
INFO = "#5fb3e8"
MODEL = "#5fb3e8"
TOOL = "#e5b454"
WAIT = "#8b94a1"
THINK = "italic #8b94a1"
HIT = "black on #e5b454"
ADDED = "#4ec27a"
REMOVED = "#e8697d"
HUNK = "#5fb3e8"


def diff_style(line: str) -> str:
    """The colour of a line of a unified diff."""
    if line.startswith(("diff --git ", "--- ", "+++ ", "index ")):
        return TITLE
    return {"@": HUNK, "+": ADDED, "-": REMOVED}.get(line[:1], "")
