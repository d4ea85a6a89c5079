"""The hits of a search, and which of them is shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from textual.screen import Screen
from textual.worker import get_current_worker

from cwm_agent.view.app.outline import Hit, Outline


@dataclass(slots=True)
class Finder:
    """`words` as they were typed; `place` counts from 0; `busy` while hits are looked for."""

    words: str = ""
    hits: list[Hit] = field(default_factory=list)
    place: int = -1
    busy: bool = False

    def fit(self, outline: Outline) -> None:
        """Forget hits beyond the end: what is shown may have changed since they were found."""
        self.hits = [hit for hit in self.hits if hit.block < len(outline.blocks)]

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
        if not self.words:
            return "nothing is searched for: / does"
        if self.busy:
            return f"looking for '{self.words}' …"
        if not self.hits:
            return f"'{self.words}' is not here"
        return f"'{self.words}' {self.place + 1} of {len(self.hits)}"


def look_for(
    words: str, outline: Outline, screen: Screen[None], then: Callable[[Finder], object]
) -> Finder:
    """Find words in a thread, so that keys go on; `then` gets the finder with its hits.

    A search that follows ends it.
    """
    finder = Finder(words, busy=True)

    def found(hits: list[Hit]) -> None:
        finder.hits, finder.busy = hits, False
        then(finder)

    def look() -> None:
        worker = get_current_worker()
        hits = outline.find(words, lambda: worker.is_cancelled)
        if not worker.is_cancelled:
            with suppress(RuntimeError):  # the program ends
                screen.app.call_from_thread(found, hits)

    screen.run_worker(look, thread=True, exclusive=True, group="find")
    return finder
