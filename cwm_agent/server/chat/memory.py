"""Token ids of what was said: a client sends text back, the ids stay here.

Text can be cut into tokens in several ways, and the model may have said it in
another than the tokenizer would. An entry is found by all ids before it and by
what the client sees of it, so the same words elsewhere are another entry.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

_OVERHEAD = 300  # bytes of an entry besides its ids


@dataclass(frozen=True, slots=True)
class Remembered:
    """The ids of a turn, and what was thought in it (None where that has no meaning)."""

    ids: array[int]
    reasoning: str | None = None


class Place:
    """All ids up to a point of a conversation, as a digest that can be gone on from."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)

    def extend(self, ids: array[int]) -> None:
        """Go on by these ids."""
        self._hash.update(ids.tobytes())

    def key(self, fingerprint: Iterable[str]) -> bytes:
        """The key of what follows here and looks like this."""
        hashed = self._hash.copy()
        for part in fingerprint:
            data = part.encode("utf-8", "surrogatepass")
            hashed.update(len(data).to_bytes(8, "big") + data)
        return hashed.digest()


class Memory:
    """At most `most` bytes; what was not asked for longest is forgotten. For any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._lock = threading.Lock()
        self._entries: OrderedDict[bytes, Remembered] = OrderedDict()

    def __len__(self) -> int:
        """How many turns are remembered."""
        return len(self._entries)

    def recall(self, key: bytes) -> Remembered | None:
        """What is remembered, if anything."""
        with self._lock:
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
            return found

    def remember(self, key: bytes, turn: Remembered) -> None:
        """Keep a turn; a later one of the same key takes its place."""
        with self._lock:
            old = self._entries.pop(key, None)
            self._size += _bytes(turn) - (_bytes(old) if old else 0)
            self._entries[key] = turn
            while self._size > self._most and self._entries:
                self._size -= _bytes(self._entries.popitem(last=False)[1])


def _bytes(turn: Remembered) -> int:
    return _OVERHEAD + turn.ids.itemsize * len(turn.ids) + len(turn.reasoning or "")
