"""The stream of batches: conversations from worker processes, copy batches between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cwm_agent.nano.training.batch import Batch, Batcher
from cwm_agent.nano.training.copying import CopyMaker
from cwm_agent.nano.training.sample import Sample


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
