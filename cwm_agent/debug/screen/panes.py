"""The screen's widgets and how they are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.widgets.bar import Bar
from cwm_agent.view.app.widgets.prompt import Prompt


class Lines(ScrollView, can_focus=False):
    """Lines of text, cut at the right; one of them is kept on the screen."""

    DEFAULT_CSS = """
    Lines { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-size: 1 1;
        scrollbar-background: $background; scrollbar-color: $panel-lighten-2; }
    """

    def __init__(self, ellipsis: str, **options: Any) -> None:
        super().__init__(**options)
        self.lines: Sequence[Text] = ()
        self._ellipsis = ellipsis

    def show(self, lines: Sequence[Text], keep: int | None = None) -> None:
        """Show other lines; number `keep` of them, from 0, comes into sight."""
        self.lines = lines
        width = max(10, self.size.width)
        self.virtual_size = Size(width, len(lines))
        height, top = max(1, self.size.height), self.scroll_offset.y
        if keep is not None and not top <= keep < top + height:
            self.scroll_to(y=max(0, keep - height // 3), animate=False, immediate=True)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        place, width, base = self.scroll_offset.y + y, self.size.width, self.rich_style
        if place >= len(self.lines):
            return Strip.blank(width, base)
        text = self.lines[place].copy()
        if text.cell_len > width:
            text.truncate(max(0, width - len(self._ellipsis)))
            text.append(self._ellipsis)
        text.end = ""
        strip = Strip(list(text.render(self.app.console)))
        return strip.adjust_cell_length(width, base).apply_style(base)


class Layout(Screen[None]):
    """Source on the left; variables, stack and branches on the right; timeline below."""

    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-wide")]  # noqa: RUF012 - as in Screen
    DEFAULT_CSS = """
    #head, #hints, #timeline { background: $panel; }
    #source { width: 58%; border: round $panel-lighten-2; border-title-color: $primary; }
    #right { width: 42%; }
    #right Lines { border: round $panel-lighten-2; border-title-color: $primary; }
    #variables { height: 3fr; min-height: 5; }
    #stack { height: 1fr; min-height: 4; }
    #branches { height: 1fr; min-height: 4; }
    #hints { color: $text-muted; }
    Layout.-narrow #panes { layout: vertical; }
    Layout.-narrow #source, Layout.-narrow #right { width: 100%; height: 1fr; }
    Layout.-narrow #stack, Layout.-narrow #branches { display: none; }
    Layout.-ascii #source, Layout.-ascii #right Lines { border: ascii $panel-lighten-2; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.set_class(glyphs.ascii, "-ascii")

    def compose(self) -> ComposeResult:
        """All panes."""
        yield Bar(id="head")
        with Horizontal(id="panes"):
            yield self._lines("source", "source")
            with Vertical(id="right"):
                yield self._lines("variables", "variables")
                yield self._lines("stack", "stack")
                yield self._lines("branches", "what if")
        yield Bar(id="timeline")
        yield Prompt(id="prompt")
        yield Bar(id="hints")

    def _lines(self, name: str, title: str) -> Lines:
        found = Lines(self.glyphs.ellipsis, id=name)
        found.border_title = title
        return found

    def pane(self, name: str) -> Lines:
        """A pane by its id."""
        return self.query_one(f"#{name}", Lines)

    def bar(self, name: str) -> Bar:
        """A line by its id."""
        return self.query_one(f"#{name}", Bar)

    @property
    def prompt(self) -> Prompt:
        """Where a person types."""
        return self.query_one("#prompt", Prompt)
