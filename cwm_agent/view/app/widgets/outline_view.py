"""Shows an outline: draws the lines on the screen, moves a cursor over all of them."""

from __future__ import annotations

import re
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
from cwm_agent.view.app.outline import Hit, Outline, wrap

CURSOR = Style(bgcolor="#2c3644")
IDLE = Style(bgcolor="#1d2430")


class OutlineView(ScrollView, can_focus=True, inherit_bindings=False):
    """The lines of an outline; only those on the screen are ever drawn."""

    DEFAULT_CSS = """
    OutlineView { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size: 1 1;
        scrollbar-background: $background; scrollbar-color: $panel-lighten-2; }
    """

    class Toggled(Message):
        """A click on the heading of a block: the cursor stands there now."""

    def __init__(self, glyphs: Glyphs, **options: Any) -> None:
        super().__init__(**options)
        self.outline = Outline([])
        self.cursor = 0
        self.words = ""
        self._glyphs = glyphs

    def show(self, outline: Outline, cursor: int = 0, scroll: float | None = None) -> None:
        """Show another outline with the cursor at a line; `scroll` is the first line on screen."""
        self.outline = outline
        outline.fit(self._room)
        self._resized()
        if scroll is not None:
            self.scroll_to(y=scroll, animate=False, immediate=True)
        self.move_to(cursor)
        self.refresh()

    def changed(self) -> None:
        """The outline was laid out anew."""
        self._resized()
        self.move_to(self.cursor)
        self.refresh()

    @property
    def _room(self) -> int:
        return max(20, self.scrollable_content_region.width or self.size.width or 80)

    @property
    def at_end(self) -> bool:
        """Whether the cursor is on the last line."""
        return self.cursor >= len(self.outline) - 1

    def move_to(self, line: int) -> None:
        """Put the cursor on a line and bring it on the screen."""
        self.cursor = max(0, min(line, len(self.outline) - 1))
        height = max(1, self.scrollable_content_region.height)
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)
        self.refresh()

    def move_by(self, lines: int) -> None:
        """Move the cursor."""
        self.move_to(self.cursor + lines)

    def page(self, share: float) -> None:
        """Move by a share of the height."""
        self.move_by(int(share * max(2, self.scrollable_content_region.height)))

    @property
    def block(self) -> int | None:
        """The block under the cursor."""
        return self.outline.at(self.cursor)[0] if len(self.outline) else None

    def toggle(self) -> None:
        """Fold or unfold the block under the cursor, or the one that it is in."""
        if (place := self.block) is None:
            return
        if not self.outline.foldable(place):
            return
        self.outline.toggle(place)
        self.cursor = self.outline.reveal(place)
        self.changed()

    def unlimit(self) -> None:
        """Show the whole body of the block under the cursor, or its first lines again."""
        if (place := self.block) is not None:
            self.outline.unlimit(place)
            self.changed()

    def go_to(self, hit: Hit) -> None:
        """Show what a search found, a third from the top."""
        line = self.outline.reveal(hit.block, hit.line)
        self._resized()
        self.cursor = line
        third = max(1, self.scrollable_content_region.height) // 3
        self.scroll_to(y=max(0, line - third), animate=False, immediate=True)
        self.refresh()

    def go_to_block(self, place: int) -> None:
        """Put a block's heading near the top."""
        line = self.outline.reveal(place)
        self._resized()
        self.cursor = line
        self.scroll_to(y=max(0, line - 1), animate=False, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        place = self.scroll_offset.y + y
        width = self.size.width
        base = self.rich_style
        if place >= len(self.outline):
            said = wrap(f" {self.outline.empty}", self._room) if not len(self.outline) else []
            if place < len(said):
                note = Text(said[place], palette.DIM, end="")
                return Strip(note.render(self.app.console)).adjust_cell_length(width, base)
            return Strip.blank(width, base)
        here = CURSOR if self.has_focus else IDLE
        style = base + here if place == self.cursor else base
        return self._strip(place).apply_style(style).adjust_cell_length(width, style)

    def _strip(self, place: int) -> Strip:
        block, offset = self.outline.at(place)
        found = self.outline.blocks[block]
        text = self.outline.line(place).copy()
        if found.heading is not None and offset == 0 and self.outline.foldable(block):
            sign = self._glyphs.opened if found.open else self._glyphs.closed
            text = Text().append(f"{sign} ", palette.DIM).append_text(text)
        elif found.heading is not None and offset == 0:
            text = Text("  ").append_text(text)
        if text.cell_len > self._room:
            text.truncate(self._room, overflow="ellipsis")
        if self._glyphs.ascii:
            text.plain = self._glyphs.text(text.plain)
        if self.words:
            flags = re.IGNORECASE if self.words == self.words.lower() else 0
            text.highlight_regex(re.compile(re.escape(self.words), flags), palette.HIT)
        text.end = ""
        text.stylize_before(text.style)  # `render` leaves it out where there are no spans
        return Strip(list(text.render(self.app.console)))

    def _resized(self) -> None:
        self.virtual_size = Size(self._room, len(self.outline))

    def on_resize(self) -> None:
        """Wrap for the new width, with the same block under the cursor."""
        if self.outline.width == self._room:
            return
        place = self.block
        self.outline.fit(self._room)
        self._resized()
        if place is not None and place < len(self.outline.blocks):
            self.cursor = min(self.cursor, len(self.outline) - 1)
            self.move_to(self.cursor)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """The cursor goes there; a second click on the line, or one on its sign, folds."""
        line = self.scroll_offset.y + event.y
        if line >= len(self.outline):
            return
        _, offset = self.outline.at(line)
        again = line == self.cursor or event.x < 2
        self.move_to(line)
        if again and offset == 0:
            self.toggle()
        self.post_message(self.Toggled())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y + 3, animate=False, immediate=True)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines."""
        event.stop()
        self.scroll_to(y=self.scroll_offset.y - 3, animate=False, immediate=True)
