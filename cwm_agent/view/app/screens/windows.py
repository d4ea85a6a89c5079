"""Small windows: the help, a choice, a question, hits in all attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from cwm_agent.view.app import palette
from cwm_agent.view.app.glyphs import Glyphs
from cwm_agent.view.app.keys import groups, shown

_CSS = """
    {name} { align: center middle; background: $background 60%; }
    {name} > * { width: 90%; max-width: 110; height: auto; max-height: 90%; padding: 0 1;
                 background: $surface; border: round $primary; }
    {name}.-ascii > * { border: ascii $primary; scrollbar-size: 0 0; }
"""


def window_css(name: str) -> str:
    """The looks that all windows share."""
    return _CSS.replace("{name}", name)


def help_text(glyphs: Glyphs, remapped: dict[str, str], width: int) -> Text:
    """All keys by group, in two columns where there is room."""
    text = Text()
    for group, keys in groups():
        text.append(f"{group}\n", palette.TITLE)
        cells = []
        for key in keys:
            said = shown(remapped.get(key.name, key.keys))
            if glyphs.ascii:
                for arrow, name in (("↓", "down"), ("↑", "up"), ("←", "left"), ("→", "right")):
                    said = said.replace(arrow, name)
            cell = Text(f"  {said:>12}  ", palette.KEY).append(key.says, "")
            cells.append(cell)
        columns = 2 if width >= 96 else 1
        half = -(-len(cells) // columns)
        for row in range(half):
            for cell in cells[row::half]:
                cell.truncate(50)
                cell.pad_right(50 - cell.cell_len) if columns == 2 else None
                text.append_text(cell)
            text.append("\n")
    text.append("Filter\n", palette.TITLE)
    text.append(
        "  fail pass err live flip  exit:timeout tool:edit repo:django run:NAME policy:NAME\n"
        '  steps>40 tokens<9k seconds>=60  text:"two words"  -word not, a|b or, else the name\n',
        palette.DIM,
    )
    return text


class Help(ModalScreen[None]):
    """All keys."""

    DEFAULT_CSS = window_css("Help")
    BINDINGS: ClassVar = [Binding("escape,q,question_mark", "dismiss", show=False)]

    def __init__(self, glyphs: Glyphs, remapped: dict[str, str]) -> None:
        super().__init__()
        self._glyphs, self._remapped = glyphs, remapped

    def on_mount(self) -> None:
        """Draw as the rest is drawn."""
        self.set_class(self.app.has_class("-ascii"), "-ascii")

    def compose(self) -> ComposeResult:
        """One long text that scrolls."""
        with VerticalScroll():
            yield Static(help_text(self._glyphs, self._remapped, self.app.size.width), markup=False)


class Choice(ModalScreen[str | None]):
    """Choose one of several; answers with its name."""

    DEFAULT_CSS = window_css("Choice") + "Choice OptionList:focus { border: none; }"
    BINDINGS: ClassVar = [Binding("escape,q", "dismiss(None)", show=False)]

    def __init__(self, title: str, options: Sequence[tuple[str, Text]]) -> None:
        super().__init__()
        self._title, self._options = title, options

    def on_mount(self) -> None:
        """Draw as the rest is drawn."""
        self.set_class(self.app.has_class("-ascii"), "-ascii")

    def compose(self) -> ComposeResult:
        """The title and the options."""
        with Vertical():
            yield Static(Text(self._title, palette.TITLE), markup=False)
            yield OptionList(
                *(Option(text, id=f"o{n}") for n, (_, text) in enumerate(self._options))
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer."""
        self.dismiss(self._options[event.option_index][0])


class Question(ModalScreen[bool]):
    """Yes or no; everything but `y` is no."""

    DEFAULT_CSS = window_css("Question")
    BINDINGS: ClassVar = [
        Binding("y", "dismiss(True)", show=False),
        Binding("n,escape,q,enter", "dismiss(False)", show=False),
    ]

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def on_mount(self) -> None:
        """Draw as the rest is drawn."""
        self.set_class(self.app.has_class("-ascii"), "-ascii")

    def compose(self) -> ComposeResult:
        """The question."""
        with Vertical():
            yield Static(Text(f"{self._question}  y/N"), markup=False)
