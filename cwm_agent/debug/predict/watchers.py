"""When a part of a frame is over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class UntilToken:
    """Ends with one of some tokens; a watcher of the engine."""

    stops: Collection[int]

    @property
    def thinking(self) -> bool:
        """Frames know no thinking."""
        return False

    def push(self, token: int) -> bool:
        """Whether the answer ends with it."""
        return token in self.stops

    def finish(self) -> str:
        """The text is read elsewhere."""
        return ""


@dataclass(slots=True)
class UntilJson:
    """Ends when one JSON value (an object or a string) is complete, or with a stop token."""

    piece: Callable[[int], str]
    stops: Collection[int]
    _depth: int = 0
    _quoted: bool = False
    _escaped: bool = False
    _begun: bool = field(default=False)
    complete: bool = False

    @property
    def thinking(self) -> bool:
        """Frames know no thinking."""
        return False

    def push(self, token: int) -> bool:
        """Whether the value ends with this token, or can end no more."""
        if token in self.stops:
            return True
        for character in self.piece(token):
            self._take(character)
        self.complete = self._begun and self._depth == 0 and not self._quoted
        return self.complete

    def _take(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif self._quoted:
            self._escaped = character == "\\"
            self._quoted = character != '"'
        elif character == '"':
            self._quoted = self._begun = True
        elif character in "{[":
            self._depth += 1
            self._begun = True
        elif character in "}]":
            self._depth -= 1

    def finish(self) -> str:
        """The text is read elsewhere."""
        return ""
