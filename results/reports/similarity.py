"""How alike two patches are."""

from __future__ import annotations

from difflib import SequenceMatcher
from functools import lru_cache

LONGEST = 8_000
"""Characters of both patches together. The time grows with their product: 0.6 s at this length."""


@lru_cache(maxsize=1024)  # samples often agree
def similarity(patch: str, gold: str) -> float | None:
    """From 0 to 1, None where the patches are too long to compare.

    The ratio of difflib's SequenceMatcher over the texts of the patches.
    Source: Wei and others, SWE-RL, 2025, where it is the reward.
    """
    if len(patch) + len(gold) > LONGEST:
        return None
    return round(SequenceMatcher(None, patch, gold, autojunk=False).ratio(), 4)
