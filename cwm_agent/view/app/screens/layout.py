"""How the main screen is laid out and drawn: list and detail, and the lines around them."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from cwm_agent.view.app import palette
from cwm_agent.view.app.panels import hints_line, tabs_line, title_line, why_text
from cwm_agent.view.app.screens.finder import Finder
from cwm_agent.view.app.session import Session
from cwm_agent.view.app.strip import strip
from cwm_agent.view.app.timeline import timeline
from cwm_agent.view.app.widgets.bar import Bar
from cwm_agent.view.app.widgets.outline_view import OutlineView
from cwm_agent.view.app.widgets.prompt import Prompt
from cwm_agent.view.app.widgets.row_table import RowTable
from cwm_agent.view.sources.row import counts


class Layout(Screen[None]):
    """The widgets and what they show."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as in Screen
    DEFAULT_CSS = """
    #strip { background: $panel; }
    #left { width: 42%; max-width: 78; border-right: vkey $panel-lighten-2; }
    #head, #hints, #timeline, #filterline { color: $text-muted; }
    #why { height: auto; max-height: 9; padding: 0 1; border-top: solid $panel-lighten-2; }
    #titleline, #tabs { background: $surface; }
    #hints { background: $panel; }
    Layout.-narrow #left { width: 100%; max-width: 100%; border-right: none; }
    Layout.-narrow #right { display: none; }
    Layout.-narrow.detail #left { display: none; }
    Layout.-narrow.detail #right { display: block; }
    Layout.-ascii #left { border-right: ascii $panel-lighten-2; }
    Layout.-ascii #why { border-top: ascii $panel-lighten-2; }
    Layout.-ascii #table, Layout.-ascii #detail { scrollbar-size: 0 0; }
    Layout.-ascii.-narrow #left { border-right: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.set_class(session.glyphs.ascii, "-ascii")
        self.finder = Finder()
        self.live: dict[str, Any] | None = None
        self.following = False
        self.note = ""
        self._places: dict[str, tuple[int, float]] = {}

    def compose(self) -> ComposeResult:
        """List on the left, detail on the right; one of them where it is narrow."""
        yield Bar(id="strip")
        with Horizontal(id="panes"):
            with Vertical(id="left"):
                yield Bar(id="filterline")
                yield Bar(id="head")
                yield RowTable(self.session.glyphs, id="table")
                yield Bar(id="why")
            with Vertical(id="right"):
                yield Bar(id="titleline")
                yield Bar(id="tabs")
                yield OutlineView(self.session.glyphs, id="detail")
                yield Bar(id="timeline")
        yield Prompt(id="prompt")
        yield Bar(id="hints")

    def on_mount(self) -> None:
        """The list has the keys at first."""
        self.table.focus()
        self.redraw()

    @property
    def table(self) -> RowTable:
        """The list."""
        return self.query_one("#table", RowTable)

    @property
    def detail(self) -> OutlineView:
        """The text of the chosen tab."""
        return self.query_one("#detail", OutlineView)

    @property
    def in_detail(self) -> bool:
        """Whether keys move in the detail: said at once, the focus follows later."""
        return self.has_class("detail")

    def enter(self, *, detail: bool) -> None:
        """Give the keys to one of the panes."""
        unseen = detail and not self.detail.size
        self.set_class(detail, "detail")
        (self.detail if detail else self.table).focus()
        if unseen:  # where it is narrow, its width is only known now
            self.call_after_refresh(self.refit)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click may have given them, too."""
        if event.widget in (self.detail, self.table):
            self.set_class(event.widget is self.detail, "detail")

    def bar(self, name: str) -> Bar:
        """A line by its id."""
        return self.query_one(f"#{name}", Bar)

    # -- drawing ---------------------------------------------------------------------------

    def write(self, bar: str, text: Text) -> None:
        """Show a line in one of the bars."""
        if self.session.glyphs.ascii:
            text.plain = self.session.glyphs.text(text.plain)
        self.bar(bar).show(text)

    def redraw(self) -> None:
        """All the lines around the two panes."""
        session, glyphs = self.session, self.session.glyphs
        width = self.size.width
        rows = list(session.known.values())
        name, found = session.source.name, counts(rows)
        self.write("strip", strip(name, found, glyphs, width, self.live))
        said = session.filter.said
        text = Text(f" {len(session.shown)} of {len(rows)}  ", palette.DIM)
        text.append(f"filter: {said}" if said else "f filters, ? helps", palette.DIM)
        self.write("filterline", text)
        self.write("head", self.table.header(session.sort, reverse=session.reverse))
        self.write("why", why_text(session, glyphs, self.live, self.bar("why").size.width))
        wide = self.bar("titleline").size.width or width
        self.write("titleline", title_line(session, glyphs, wide))
        self.write("tabs", tabs_line(session.tab, wide))
        if session.opened is not None:
            self.write("timeline", timeline(session.opened, glyphs, wide))
        self.write("hints", hints_line(self.note, self.following, glyphs, width))

    def say(self, note: str) -> None:
        """A sentence in the last line, until the next key."""
        self.note = note
        self.redraw()

    def show_rows(self) -> None:
        """The list after it was filtered, sorted or grew."""
        row = self.table.row
        table = self.table
        table.empty = (
            "nothing fits the filter (f)" if self.session.known
            else "no attempts yet"
        )  # fmt: skip
        table.show(self.session.shown, row.key if row else self.session.opened_key)
        self.redraw()

    def show_detail(self, *, keep: bool = True) -> None:
        """The chosen tab of the opened attempt."""
        session = self.session
        outline = session.outline(session.tab, max(40, self.detail.size.width - 1))
        cursor, scroll = self._places.get(session.tab, (0, 0.0)) if keep else (0, 0.0)
        if self.following and session.tab == "steps":
            cursor = max(0, len(outline) - 1)
        self.detail.show(outline, cursor, scroll)
        self.redraw()

    def opened(self, *, same: bool) -> None:
        """The session holds another attempt, or more of the same one."""
        if not same:
            self._places.clear()
            self.finder = Finder()
            self.detail.words = ""
        else:
            self.keep_place()
        self.show_detail(keep=same)

    def keep_place(self) -> None:
        """Remember where the cursor of the shown tab is."""
        detail = self.detail
        self._places[self.session.tab] = (detail.cursor, float(detail.scroll_offset.y))

    def on_resize(self) -> None:
        """Lines are drawn for a width."""
        self.call_after_refresh(self.refit)

    def refit(self) -> None:
        """Draw everything for the width that it has now; what is folded stays folded."""
        self.keep_place()
        self.session.refit(max(40, self.detail.size.width - 1))
        self.show_detail()
        self.show_rows()
