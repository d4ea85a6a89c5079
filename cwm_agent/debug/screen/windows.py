"""Windows over the screen: what a command said, and the help."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from cwm_agent.debug.screen.keys import KEYS
from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.keys import shown
from cwm_agent.view.app.screens.windows import window_css

_ARROWS = (("↓", "down"), ("↑", "up"), ("←", "left"), ("→", "right"))


class Told(ModalScreen[None]):
    """Lines that a command said; any of the usual keys closes it."""

    DEFAULT_CSS = window_css("Told")
    BINDINGS: ClassVar = [Binding("escape,q,enter,question_mark", "dismiss", show=False)]

    def __init__(self, text: Text) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        """One long text that scrolls."""
        with VerticalScroll():
            yield Static(self.text, markup=False)


def help_text(glyphs: Glyphs, width: int) -> Text:
    """All keys by group, in two columns where there is room."""
    cells: list[Text] = []
    group = ""
    for key in KEYS:
        if key.group != group:
            group = key.group
            cells.append(Text(group, palette.TITLE))
        said = shown(key.keys).replace("colon", ":")
        for arrow, name in _ARROWS if glyphs.ascii else ():
            said = said.replace(arrow, name)
        cells.append(Text(f"  {said:>9}  ", palette.KEY).append(key.says, ""))
    columns = 2 if width >= 96 else 1
    rows = -(-len(cells) // columns)
    text = Text()
    for row in range(rows):
        for cell in cells[row::rows]:
            if columns == 2:
                cell.pad_right(max(0, 50 - cell.cell_len))
            text.append_text(cell)
        text.append("\n")
    text.append(
        "\nThe gutter and the timeline show how sure the model was of a step: full and green is\n"
        "sure, low and red is doubt, ! is a step that it wanted to make outside of the program.\n"
        "With --jumps n, N, r, o, U and c are one prediction each; a note says over what.\n",
        palette.DIM,
    )
    return text
