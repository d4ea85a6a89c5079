"""A source of samples that means nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from cwm_agent.nano.training.batch import Sample

_PHRASE = 4  # tokens
_WEIGHTS = (0.0, 0.3, 1.0)


@dataclass(frozen=True, slots=True)
class SyntheticSource:
    """Phrases of a small fixed set in random order; most of a phrase follows from its start."""

    vocabulary: int
    shortest: int = 200  # tokens
    longest: int = 760
    phrases: int = 50

    def __call__(self, seed: int) -> Iterator[Sample]:
        """Begin the stream of that seed; the set of phrases is always the same."""
        fixed = random.Random(0)
        known = [
            [fixed.randrange(self.vocabulary) for _ in range(_PHRASE)] for _ in range(self.phrases)
        ]
        rng = random.Random(seed)
        while True:
            length = rng.randint(self.shortest, self.longest)
            chosen = rng.choices(known, k=length // _PHRASE + 1)
            ids = tuple(token for phrase in chosen for token in phrase)[:length]
            yield Sample(ids, tuple(rng.choices(_WEIGHTS, k=length)))
