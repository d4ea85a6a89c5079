"""What a source of training data hands over: token ids and how much each of them matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


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
