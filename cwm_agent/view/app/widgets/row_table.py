"""The table of attempts: draws only the rows on the screen, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.style import Style
from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.tabs.steps import seconds
from cwm_agent.view.app.timeline import short
from cwm_agent.view.app.widgets.outline_view import CURSOR, IDLE
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.sources.row import MARKS, Row


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` 0 takes what is left; `order` sorts by it."""

    title: str
    width: int
    cell: Callable[[Row], str]
    order: Callable[[Row], Any]
    right: bool = False


_ORDER = list(MARKS)
COLUMNS = (
    Column("instance", 0, lambda row: row.instance, lambda row: (row.instance, row.sample)),
    Column("#", 2, lambda row: str(row.sample), lambda row: row.sample, right=True),
    Column("k", 4, lambda row: row.resolved_of, lambda row: row.resolved_of, right=True),
    Column("steps", 5, lambda row: str(row.steps or ""), lambda row: row.steps, right=True),
    Column("tok", 5, lambda row: short(row.tokens) if row.tokens else "",
           lambda row: row.tokens, right=True),
    Column("time", 7, lambda row: seconds(row.seconds) if row.seconds else "",
           lambda row: row.seconds, right=True),
    Column("exit", 11, lambda row: row.exit.replace("_", " "), lambda row: row.exit),
    Column("run", 12, lambda row: row.run, lambda row: row.run),
)  # fmt: skip
STATE = Column("state", 1, lambda row: row.state, lambda row: _ORDER.index(row.state))


def columns_for(width: int, *, several_runs: bool) -> list[Column]:
    """The columns that fit: the instance keeps at least 18 cells."""
    wanted = ["instance", "#", "steps", "exit", "tok", "time", "k", "run"]
    if several_runs:
        wanted.insert(2, wanted.pop())
    else:
        wanted.remove("run")
    by_title = {column.title: column for column in COLUMNS}
    chosen, used = [], 2
    for title in wanted:
        column = by_title[title]
        size = (column.width or 18) + 1
        if used + size > width and title != "instance":
            break
        chosen.append(column)
        used += size
    return [column for column in COLUMNS if column in chosen]


class RowTable(ScrollView, can_focus=True, inherit_bindings=False):
    """The rows, a cursor, and marks for comparing."""

    DEFAULT_CSS = """
    RowTable { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size: 1 1;
        scrollbar-background: $background; scrollbar-color: $panel-lighten-2; }
    """

    class Moved(Message):
        """The cursor stands on another row."""

    class Opened(Message):
        """A row was clicked again."""

    def __init__(self, glyphs: Glyphs, **options: Any) -> None:
        super().__init__(**options)
        self.rows: Sequence[Row] = ()
        self.cursor = 0
        self.marked: set[tuple[str, str, int]] = set()
        self.several_runs = False
        self.empty = "no attempts yet"
        self._glyphs = glyphs

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def show(self, rows: Sequence[Row], key: tuple[str, str, int] | None) -> None:
        """Show other rows; the cursor stays on the attempt with that key if it is there."""
        self.rows = rows
        self.several_runs = len({row.run for row in rows}) > 1
        place = next((n for n, row in enumerate(rows) if row.key == key), self.cursor)
        self.virtual_size = Size(self._room, len(rows))
        self.cursor = max(0, min(place, len(rows) - 1))
        self._reveal()
        self.refresh()

    @property
    def _room(self) -> int:
        return max(10, self.scrollable_content_region.width or self.size.width or 40)

    def move_to(self, place: int) -> None:
        """Put the cursor on a row."""
        before = self.cursor
        self.cursor = max(0, min(place, len(self.rows) - 1))
        self._reveal()
        self.refresh()
        if self.cursor != before:
            self.post_message(self.Moved())

    def move_by(self, rows: int) -> None:
        """Move the cursor."""
        self.move_to(self.cursor + rows)

    def page(self, share: float) -> None:
        """Move by a share of the height."""
        self.move_by(int(share * max(2, self.scrollable_content_region.height)))

    def mark(self) -> None:
        """Mark the row for comparing, or unmark it; then go on."""
        if (row := self.row) is not None:
            self.marked ^= {row.key}
            self.move_by(1)
            self.refresh()

    def header(self, sort: str, *, reverse: bool) -> Text:
        """The titles, the sorted one with an arrow."""
        line = Text("   ", palette.DIM)
        for column, width in self._widths():
            arrow = ""
            if column.title == sort:
                arrow = self._glyphs.descending if reverse else self._glyphs.ascending
            title = (column.title + arrow)[:width]
            shown = f"{title:>{width}}" if column.right else f"{title:<{width}}"
            line.append(shown + " ", "bold" if arrow else "")
        return line

    def column_at(self, x: int) -> str | None:
        """The title of the column at a cell of the header."""
        at = 3
        for column, width in self._widths():
            if at <= x < at + width + 1:
                return column.title
            at += width + 1
        return "state" if x < 3 else None

    def _widths(self) -> list[tuple[Column, int]]:
        columns = columns_for(self._room, several_runs=self.several_runs)
        fixed = sum(column.width + 1 for column in columns if column.width)
        return [(c, c.width or max(8, self._room - 4 - fixed)) for c in columns]

    def render_line(self, y: int) -> Strip:
        """One row."""
        place, width, base = self.scroll_offset.y + y, self.size.width, self.rich_style
        if place >= len(self.rows):
            if place == 0:
                text = Text(f" {self.empty}", palette.DIM, end="")
                return Strip(list(text.render(self.app.console))).adjust_cell_length(width, base)
            return Strip.blank(width, base)
        text = self.line(self.rows[place])
        strip = Strip(list(text.render(self.app.console)))
        here: Style = CURSOR if self.has_focus else IDLE
        style = base + here if place == self.cursor else base
        return strip.apply_style(style).adjust_cell_length(width, style)

    def line(self, row: Row) -> Text:
        """A row as one line."""
        sign = self._glyphs.marked if row.key in self.marked else " "
        line = Text(end="", no_wrap=True).append(sign, palette.INFO)
        line.append(f"{self._glyphs.mark(row.state)} ", MARKS[row.state].style)
        for column, width in self._widths():
            said = clean_line(column.cell(row)[:200])
            style = "" if column.title == "instance" else palette.DIM
            cell = Text(said, style)
            if cell.cell_len > width:
                if column.title == "instance":
                    cell = self._glyphs.middle(cell, width)
                else:
                    cell.truncate(width - 1)
                    cell.append("~" if self._glyphs.ascii else "…")
            pad = " " * (width - cell.cell_len)
            line.append_text(Text(pad) + cell if column.right else cell + Text(pad))
            line.append(" ")
        return line

    def _reveal(self) -> None:
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there; a second click opens."""
        place = self.scroll_offset.y + event.y
        if place >= len(self.rows):
            return
        if place == self.cursor:
            self.post_message(self.Opened())
        self.move_to(place)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y + 3, animate=False, immediate=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y - 3, animate=False, immediate=True)
