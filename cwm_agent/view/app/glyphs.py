"""The characters that the application draws with, and their ASCII twins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from cwm_agent.view.sources.row import MARKS, State


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set. `levels` grow; `gauge` is full and empty."""

    ascii: bool
    closed: str
    opened: str
    rule: str
    bar: str
    ellipsis: str
    dot: str
    levels: str
    gauge: str
    cursor: str
    marked: str
    descending: str
    ascending: str

    def mark(self, state: State) -> str:
        """The shape of a state."""
        return MARKS[state].ascii if self.ascii else MARKS[state].shape

    def level(self, value: float, most: float) -> str:
        """The level of a value between 0 and `most`."""
        if most <= 0:
            return self.levels[0]
        place = round(value / most * (len(self.levels) - 1))
        return self.levels[max(0, min(place, len(self.levels) - 1))]

    def filled(self, share: float, width: int) -> str:
        """A gauge of that many characters."""
        full = round(max(0.0, min(share, 1.0)) * width)
        return self.gauge[0] * full + self.gauge[1] * (width - full)

    def middle(self, said: Text, width: int) -> Text:
        """The start and the end of a name that is too long: its end tells more than its middle."""
        if said.cell_len <= width:
            return said
        head, tail, short = said.copy(), said.plain, "~" if self.ascii else "…"
        keep = max(0, width - 1) // 3
        head.truncate(keep)
        while cell_len(tail) > max(0, width - 1) - head.cell_len:
            tail = tail[max(1, (cell_len(tail) - width + 1) // 2) :]
        return head.append(short, "dim").append(tail, said.style)

    def text(self, said: str) -> str:
        """A text with what this set has for our marks; other characters become question marks."""
        if not self.ascii:
            return said
        for shape, plain in _PLAIN:
            said = said.replace(shape, plain)
        return said.encode("ascii", "replace").decode()


UNICODE = Glyphs(
    False, "▸", "▾", "─", "│", "…", "·", "▁▂▃▄▅▆▇█", "▆░", "▌", "●", "▼", "▲"
)  # fmt: skip
ASCII = Glyphs(True, ">", "v", "-", "|", "..", ".", "_.-=+*%#", "#.", ">", "*", "v", "^")
_PLAIN: Sequence[tuple[str, str]] = (
    ("…", "~"), ("⏎", "$"),
    ("·", "-"), ("—", "-"), ("–", "-"), ("→", "->"), ("×", "x"), ("≥", ">="),
)  # fmt: skip


def glyphs_here() -> Glyphs:
    """The set that the terminal's locale can show."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    chosen = next((name for name in names if name), "")
    return ASCII if chosen and "utf" not in chosen.lower() else UNICODE
