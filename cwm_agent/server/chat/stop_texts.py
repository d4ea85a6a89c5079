"""Texts that end an answer and are no part of it."""

from __future__ import annotations

from collections.abc import Sequence


def overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    for count in range(min(len(text), len(mark) - 1), 0, -1):
        if text.endswith(mark[:count]):
            return count
    return 0


class StopTexts:
    """Lets text through up to the first stop text; holds back what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self.met: str | None = None
        self._stops = tuple(stops)
        self._held = ""

    def push(self, text: str) -> str:
        """Take more text; what is certain now."""
        if self.met is not None or not self._stops:
            return text if self.met is None else ""
        self._held += text
        places = [(place, stop) for stop in self._stops if (place := self._held.find(stop)) >= 0]
        if places:
            place, self.met = min(places)
            certain, self._held = self._held[:place], ""
            return certain
        kept = len(self._held) - max(overlap(self._held, stop) for stop in self._stops)
        certain, self._held = self._held[:kept], self._held[kept:]
        return certain

    def finish(self) -> str:
        """What was held back."""
        rest, self._held = self._held, ""
        return rest
