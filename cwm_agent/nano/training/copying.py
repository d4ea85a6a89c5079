"""Batches that train nothing but exact copying.

Finding text again and writing it out is what an edit needs, and it is learned
late from conversations alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from cwm_agent.nano.training.batch import Batch, Integers, make_batch
from cwm_agent.nano.training.sample import Sample

_SHORTEST = 8  # tokens of a repeated piece
_KEPT = 64  # samples to take real pieces from


class CopyMaker:
    """Rows that repeat one piece until they are full; half the pieces are random ids.

    The first token of a repetition carries no loss while the length of the
    piece is unknown, that is at the first repetition.
    """

    def __init__(self, vocabulary: int, length: int, budget: int, seed: int) -> None:
        self._vocabulary = vocabulary
        self._length = length
        self._rows = max(1, budget // length)
        self._rng = np.random.default_rng(seed)
        self._real: deque[tuple[int, ...]] = deque(maxlen=_KEPT)

    def remember(self, samples: Iterable[Sample]) -> None:
        """Keep the newest samples, to take pieces from."""
        self._real.extend(sample.ids for sample in samples if len(sample.ids) > _SHORTEST)

    def make(self) -> Batch:
        """One batch of kind "copy"."""
        return make_batch("copy", [self._row(row) for row in range(self._rows)], self._length)

    def _row(self, number: int) -> Sample:
        size = int(self._rng.integers(_SHORTEST, self._length // 2 + 1))
        piece = self._piece(size, real=number % 2 == 1 and bool(self._real))
        row = np.resize(piece, self._length)
        silent = len(piece) + 1
        weights = (0.0,) * silent + (1.0,) * (self._length - silent)
        return Sample(tuple(row.tolist()), weights)

    def _piece(self, size: int, *, real: bool) -> Integers:
        if not real:
            return self._rng.integers(0, self._vocabulary, size)
        ids = self._real[int(self._rng.integers(len(self._real)))]
        start = int(self._rng.integers(0, max(1, len(ids) - size + 1)))
        return np.array(ids[start : start + size], dtype=np.int64)
