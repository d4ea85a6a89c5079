"""Samples of similar length become one rectangle of token ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversation as tokens.

    `weights` has one entry an id: the weight of the loss on predicting it from
    those before it. The first one is not used, as nothing comes before it.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]


class SampleSource(Protocol):
    """Makes an endless stream of samples, the same one for the same seed.

    It must be picklable, as it runs in worker processes.
    """

    def __call__(self, seed: int) -> Iterator[Sample]:
        """Begin the stream of that seed."""


Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one length, and the places whose prediction counts.

    `ids` (rows, length); `places` (count,) are positions in the flattened ids,
    `targets` (count,) the ids that follow there, `weights` (count,) how much
    each prediction counts. `tokens` is how many ids are no padding.
    """

    kind: str
    ids: Integers
    places: Integers
    targets: Integers
    weights: Floats
    tokens: int


def make_batch(kind: str, samples: Sequence[Sample], length: int) -> Batch:
    """Pad samples at the right to `length` tokens."""
    ids = np.zeros((len(samples), length), dtype=np.int64)
    weights = np.zeros((len(samples), length), dtype=np.float32)
    for row, sample in enumerate(samples):
        ids[row, : len(sample.ids)] = sample.ids
        weights[row, : len(sample.ids) - 1] = sample.weights[1:]
    places = np.flatnonzero(weights > 0)
    following = np.roll(ids, -1, axis=1)
    return Batch(
        kind,
        ids,
        places,
        following.reshape(-1)[places],
        weights.reshape(-1)[places],
        sum(len(sample.ids) for sample in samples),
    )


class Batcher:
    """Collects samples by length; a bucket that can fill a batch gives one.

    A bucket holds the samples whose length, rounded up to a multiple of
    `step`, is the same. Its batches have `budget // length` rows, at least one.
    """

    def __init__(self, budget: int, step: int) -> None:
        self._budget = budget
        self._step = step
        self._buckets: defaultdict[int, list[Sample]] = defaultdict(list)

    def add(self, samples: Iterable[Sample]) -> Iterator[Batch]:
        """Take samples in, give out the batches that became full."""
        for sample in samples:
            length = -(-len(sample.ids) // self._step) * self._step
            bucket = self._buckets[length]
            bucket.append(sample)
            if len(bucket) >= max(1, self._budget // length):
                yield make_batch("sample", self._buckets.pop(length), length)

    def flush(self) -> Iterator[Batch]:
        """Give out what is left, in batches that are not full."""
        while self._buckets:
            length, samples = self._buckets.popitem()
            yield make_batch("sample", samples, length)
