"""The application around the screen: `cwm-agent debug --tui`."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.screen import Screen

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.record.recording import Recorder
from cwm_agent.debug.screen.main import Main
from cwm_agent.view.app.app import THEME
from cwm_agent.view.app.glyphs import UNICODE, Glyphs


class DebuggerApp(App[None]):
    """One debugger; it is closed by whoever opened it."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "cwm-agent debug"

    def __init__(
        self, debugger: Debugger, recorder: Recorder, name: str, glyphs: Glyphs = UNICODE
    ) -> None:
        """`name` is that of the source, for people."""
        super().__init__()
        self.main = Main(debugger, recorder, name, glyphs)

    def get_default_screen(self) -> Screen[Any]:
        """The only one, but for windows over it."""
        return self.main

    def on_mount(self) -> None:
        """The viewer's looks."""
        self.register_theme(THEME)
        self.theme = "cwm"
