"""Sessions of conversations that rest, to be gone on with: found by what they begin with.

A conversation comes back as a longer list of token ids. The session that goes on
is the longest one of which every id stands at the beginning of that list. Owned by
the engine's thread.
"""

from __future__ import annotations

import time
from array import array
from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.engine.session import Session

TOKEN = array("i").itemsize


@dataclass(slots=True)
class _Kept:
    session: Session
    length: int
    since: float


class KeptSessions:
    """At most `most`, none longer than `seconds`; those that rest longest go first."""

    def __init__(
        self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()  # oldest first
        self._lengths: list[int] = []  # of all kept, sorted, each as often as it occurs

    def __len__(self) -> int:
        """How many rest."""
        return len(self._kept)

    def put(self, session: Session) -> None:
        """Keep a session; one with the same ids is closed."""
        ids = session.ids
        key = _digest(ids)
        if key in self._kept:
            self._drop(key)
        if self._most <= 0:
            session.close()
            return
        self._kept[key] = _Kept(session, len(ids), self._clock())
        insort(self._lengths, len(ids))
        while len(self._kept) > self._most:
            self._drop(next(iter(self._kept)))

    def take(self, prompt: array[int]) -> Session | None:
        """The session that `prompt` goes on with, no longer kept; None when there is none."""
        found = self._find(prompt)
        if found is None:
            return None
        return self._remove(found).session

    def expire(self) -> None:
        """Close what has rested too long."""
        before = self._clock() - self._seconds
        while self._kept:
            key, kept = next(iter(self._kept.items()))
            if kept.since > before:
                return
            self._drop(key)

    def clear(self) -> None:
        """Close all."""
        for key in list(self._kept):
            self._drop(key)

    def _find(self, prompt: array[int]) -> bytes | None:
        """One pass over the prompt: what has been read is looked up at every length in use."""
        view, hashed, found = memoryview(prompt).cast("B"), blake2b(digest_size=16), None
        at = 0
        for length in dict.fromkeys(self._lengths):
            if length >= len(prompt):  # there must be something new to compute
                break
            hashed.update(view[at * TOKEN : length * TOKEN])
            at = length
            key = hashed.copy().digest()
            if key in self._kept:
                found = key
        return found

    def _drop(self, key: bytes) -> None:
        self._remove(key).session.close()

    def _remove(self, key: bytes) -> _Kept:
        kept = self._kept.pop(key)
        self._lengths.remove(kept.length)
        return kept


def _digest(ids: Sequence[int]) -> bytes:
    return blake2b(array("i", ids).tobytes(), digest_size=16).digest()
