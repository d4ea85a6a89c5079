"""The line at the bottom where a person types a filter or words to find."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.message import Message
from textual.widgets import Input


class Prompt(Input):
    """Hidden until it asks; Enter answers, Escape does not."""

    DEFAULT_CSS = """
    Prompt { height: 1; border: none; padding: 0 1; display: none; }
    Prompt:focus { border: none; }
    """

    class Answered(Message):
        """`text` is None where the person gave up."""

        def __init__(self, purpose: str, text: str | None) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.purpose = ""

    def ask(self, purpose: str, placeholder: str, text: str = "") -> None:
        """Appear with a text to change."""
        self.purpose, self.placeholder, self.value = purpose, placeholder, text
        # At once, not when the screen is next drawn: what is typed ahead is no key of the list.
        self.display = True
        self.screen.set_focus(self)
        self.action_end()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self._leave(self.value)

    def on_key(self, event: events.Key) -> None:
        """Escape."""
        if event.key == "escape":
            event.stop()
            self._leave(None)

    def _leave(self, text: str | None) -> None:
        self.display = False
        self.post_message(self.Answered(self.purpose, text))
