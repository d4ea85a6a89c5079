"""What an engine has done and does now, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class EngineCounters:
    """Sums over the engine's life.

    Of the `tokens` that ran in `steps`, `prefilled` were input; `decoded` ones
    were sampled and kept. `moves` counts pages that were copied or swapped.
    """

    steps: int = 0
    tokens: int = 0
    moves: int = 0
    prefilled: int = 0
    decoded: int = 0


@dataclass(frozen=True, slots=True)
class EngineStats:
    """One look at an engine. Tokens are sums over its life.

    `prefilled` prompt tokens were computed, `cached` ones found in the prefix
    cache, `decoded` ones sampled. `running` sessions are in the batch, `waiting`
    ones want to be. `kv_used` is the share of its KV pages that sessions hold
    (of the layer group that has least left), None where nobody can tell.
    """

    prefilled: int
    cached: int
    decoded: int
    running: int
    waiting: int
    kv_used: float | None
