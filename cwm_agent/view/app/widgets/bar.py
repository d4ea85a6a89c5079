"""A line that knows where it was clicked."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widgets import Static


class Bar(Static):
    """One line of text; texts from elsewhere are never read as markup."""

    DEFAULT_CSS = "Bar { height: 1; width: 1fr; }"

    class Clicked(Message):
        """A click, `x` cells from the left."""

        def __init__(self, bar: Bar, x: int) -> None:
            super().__init__()
            self.bar = bar
            self.x = x

    def __init__(self, **options: Any) -> None:
        super().__init__(Text(""), markup=False, **options)
        self._shown = Text("")

    def show(self, text: Text) -> None:
        """Show another text; the same one costs nothing."""
        if text != self._shown or text.style != self._shown.style:
            self._shown = text.copy()
            text.no_wrap = True
            self.update(text)

    def on_click(self, event: events.Click) -> None:
        """Say where."""
        self.post_message(self.Clicked(self, event.x))
