"""Search in all attempts: words above, hits below as they are typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from cwm_agent.view.app import palette
from cwm_agent.view.app.screens.windows import window_css
from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.search.index import SearchIndex, TextHit
from cwm_agent.view.sources.row import MARKS, Row
from cwm_agent.wording import counted

MOST = 200
Key = tuple[str, str, int]
Chosen = tuple[Key, str, int]
"""The attempt, the words, the step."""


class SearchAll(ModalScreen[Chosen | None]):
    """Answers with the chosen hit."""

    DEFAULT_CSS = (
        window_css("SearchAll")
        + """
    SearchAll OptionList, SearchAll OptionList:focus { border: none; height: 1fr; min-height: 10; }
    SearchAll Vertical { height: 80%; }
    SearchAll Input { border: none; height: 1; }
    """
    )
    BINDINGS: ClassVar = [
        Binding("escape", "dismiss(None)", show=False),
        Binding("down,tab", "hits", show=False),
    ]

    def __init__(self, index: SearchIndex, rows: Mapping[Key, Row], ascii_only: bool) -> None:
        super().__init__()
        self._index, self._rows, self._ascii = index, rows, ascii_only
        self._hits: list[TextHit] = []
        self.set_class(ascii_only, "-ascii")

    def compose(self) -> ComposeResult:
        """Words, how many hits, the hits."""
        with Vertical():
            yield Input(placeholder="words in all attempts")
            yield Static("", id="count", markup=False)
            yield OptionList()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search as it is typed."""
        words = event.value
        self.run_worker(lambda: self._search(words), thread=True, exclusive=True)

    def _search(self, words: str) -> None:
        hits = self._index.find(words, MOST) if len(words) > 1 else []
        self.app.call_from_thread(self._show, words, hits)

    def _show(self, words: str, hits: list[TextHit]) -> None:
        if words != self.query_one(Input).value:
            return  # more was typed
        self._hits = [hit for hit in hits if hit.key in self._rows]
        more = " or more" if len(hits) >= MOST else ""
        attempts = len({hit.key for hit in self._hits})
        steps = f"{len(self._hits)}{more} steps" if more else counted(len(self._hits), "step")
        said = f"{steps} of {counted(attempts, 'attempt')}" if words else ""
        self.query_one("#count", Static).update(Text(said, palette.DIM))
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options([Option(self._line(hit)) for hit in self._hits])

    def _line(self, hit: TextHit) -> Text:
        row = self._rows[hit.key]
        mark = MARKS[row.state]
        text = Text(f"{mark.ascii if self._ascii else mark.shape} ", mark.style)
        text.append(clean_line(row.instance)).append(f" #{row.sample}", palette.DIM)
        where = f"step {hit.step}" if hit.step else "the issue"
        return text.append(f"  {where}", palette.KEY).append(
            f"  {clean_line(row.run)}", palette.DIM
        )

    def action_hits(self) -> None:
        """To the list of hits."""
        self.query_one(OptionList).focus()

    def on_input_submitted(self) -> None:
        """Enter opens the first hit."""
        self._choose(0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a hit opens it."""
        self._choose(event.option_index)

    def _choose(self, place: int) -> None:
        if place < len(self._hits):
            hit = self._hits[place]
            chosen: Any = (hit.key, self.query_one(Input).value, hit.step)
            self.dismiss(chosen)
