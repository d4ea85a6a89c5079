"""The hits of a search, and which of them is shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from cwm_agent.view.app.outline import Hit, Outline


@dataclass(slots=True)
class Finder:
    """`words` as they were typed; `place` counts from 0."""

    words: str = ""
    hits: list[Hit] = field(default_factory=list)
    place: int = -1

    def search(self, words: str, outline: Outline) -> None:
        """Find words anew."""
        self.words, self.place = words, -1
        self.hits = outline.find(words) if words else []

    def next(self, direction: int, block: int, line: int) -> Hit | None:
        """The hit after (or before) the last one, at first the nearest to a place; in a circle."""
        if not self.hits:
            return None
        if self.place < 0:
            after = [n for n, hit in enumerate(self.hits) if (hit.block, hit.line) >= (block, line)]
            self.place = (after[0] if after else 0) if direction > 0 else (after or [0])[0] - 1
        else:
            self.place += direction
        self.place %= len(self.hits)
        return self.hits[self.place]

    @property
    def says(self) -> str:
        """Such as `3 of 17`."""
        if not self.hits:
            return f"'{self.words}' is not here"
        return f"'{self.words}' {self.place + 1} of {len(self.hits)}"
