"""The logits after the last token of prompts, for whoever begins with the same prompt.

Keys and values alone leave one token to compute, since sampling takes logits. An entry is of use
only while the cache still has the whole prompt; at most `most` of a vocabulary's length are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor

from model.kvcache.sequence_cache import chain_key

MOST_ENDS = 32
"""16 MiB on the device for a vocabulary of 128k."""


class PromptEnds:
    """Of the prompts that were begun or begun with last; the one longest unused goes first."""

    def __init__(self, most: int = MOST_ENDS) -> None:
        self._most = most
        self._rows: OrderedDict[bytes, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def keep(self, ids: Sequence[int], logits: Tensor) -> None:
        """Copy the logits after `ids`, (vocabulary,)."""
        if self._most:
            key = chain_key(b"", ids)
            self._rows[key] = logits.clone()
            self._rows.move_to_end(key)
            if len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def find(self, ids: Sequence[int]) -> Tensor | None:
        """The logits after `ids`, (vocabulary,)."""
        key = chain_key(b"", ids) if self._rows else b""
        if key in self._rows:
            self._rows.move_to_end(key)
        return self._rows.get(key)

    def forget(self, ids: Sequence[int]) -> None:
        """The cache has let pages of this prompt go."""
        self._rows.pop(chain_key(b"", ids), None)
