"""The stream of batches: conversations from worker processes, copy batches between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from cwm_agent.nano.training.batch import Batch, Batcher, Integers, Sample, make_batch

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


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Sizes of the batches and how they are mixed.

    Every `copy_first`-th batch is a copy batch at the start; from
    `copy_settled` of the run on (0 to 1) it is every `copy_last`-th.
    """

    budget: int = 4_096  # tokens a batch, padding included
    step: int = 128  # lengths are rounded up to a multiple of it
    copy_length: int = 512  # tokens of a row in a copy batch
    copy_first: float = 6.0
    copy_last: float = 20.0
    copy_settled: float = 0.5

    def copy_share(self, progress: float) -> float:
        """Share of copy batches at that part of the run (0 to 1)."""
        settled = min(1.0, progress / self.copy_settled)
        return 1.0 / (self.copy_first + (self.copy_last - self.copy_first) * settled)


class Feed:
    """Iterator over batches of both kinds."""

    def __init__(
        self,
        samples: Iterable[list[Sample]],
        settings: FeedSettings,
        *,
        vocabulary: int,
        seed: int,
    ) -> None:
        self._settings = settings
        self._copies = CopyMaker(vocabulary, settings.copy_length, settings.budget, seed)
        self._conversations = self._batches(samples)
        self._due = 0.0  # copy batches that the share has earned so far

    def next(self, progress: float) -> Batch:
        """The next batch; `progress` is the part of the run that is over (0 to 1)."""
        self._due += self._settings.copy_share(progress)
        if self._due >= 1.0:
            self._due -= 1.0
            return self._copies.make()
        return next(self._conversations)

    def _batches(self, samples: Iterable[list[Sample]]) -> Iterator[Batch]:
        batcher = Batcher(self._settings.budget, self._settings.step)
        for message in samples:
            self._copies.remember(message)
            yield from batcher.add(message)
