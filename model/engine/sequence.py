"""One sequence as the engine sees it: its ids, its cache, and what it has to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from model.engine.prompt_lookup import PromptLookup
from model.kvcache.sequence_cache import SequenceCache


@dataclass(slots=True)
class Counters:
    """What a session has cost so far, in tokens and steps.

    `cached` tokens were found in the cache when they were needed again or for
    the first time by another session; `prefilled` ones were computed as input;
    `recomputed` is the part of `prefilled` that this session had computed
    before; `decoded` ones were sampled, `accepted` of them as drafts.
    `swapped_in` counts pages that came back from the host.
    """

    cached: int = 0
    prefilled: int = 0
    recomputed: int = 0
    decoded: int = 0
    drafted: int = 0
    accepted: int = 0
    steps: int = 0
    swapped_in: int = 0


@dataclass(frozen=True, slots=True)
class Leader:
    """Whose computation a sequence waits for, and up to which position."""

    sequence: Sequence
    length: int


@dataclass(slots=True, eq=False)
class Sequence:
    """Owned by the engine's thread. `ids` is the whole context; `cache.length` of it has KV.

    `sampling` is true while new tokens are wanted, else the sequence only has
    to be computed up to `target` positions. At most `room` tokens may still be
    sampled. `job` groups sequences for fairness. `computed_once` is the furthest
    position ever computed. `cancelled` ends the next answer before it begins.
    `leader` is computing a beginning that this one has too (see Scheduler._follows). `end` are
    the logits (vocabulary,) after `ids`, where all of them were found in the cache.
    """

    number: int
    job: str
    cache: SequenceCache
    draft: PromptLookup | None
    ids: list[int] = field(default_factory=list)
    sampling: bool = False
    target: int = 0
    room: int = 0
    computed_once: int = 0
    passed_over: int = 0
    cancelled: bool = False
    leader: Leader | None = None
    end: Tensor | None = None
    counters: Counters = field(default_factory=Counters)

    @property
    def pending(self) -> int:
        """Tokens still to run now."""
        return (len(self.ids) if self.sampling else self.target) - self.cache.length
