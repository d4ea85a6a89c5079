"""Which templates are trained on and which are held out, by name."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Literal

from cwm_agent.generated.templates.catalogue import all_templates
from cwm_agent.generated.templates.composed import composed
from cwm_agent.generated.templates.template import Template

Part = Literal["trained", "held_out"]
HELD_OUT_IN = 8
"""One template in so many is never trained on."""


def is_held_out(name: str) -> bool:
    """Decided by a hash of the name alone, so nobody chose which."""
    return hashlib.sha256(name.encode()).digest()[0] % HELD_OUT_IN == 0


@cache
def templates_of(part: Part) -> list[Template]:
    """The templates of one part, stand-alone ones as often as composed ones in a draw.

    Composed templates are many and alike; a stand-alone one is repeated so that
    each group gives half of the draws.
    """
    chosen = [t for t in all_templates() if is_held_out(t.name) == (part == "held_out")]
    together = composed_names()
    composed_ones = [t for t in chosen if t.name in together]
    alone = [t for t in chosen if t.name not in together]
    return composed_ones + alone * max(1, round(len(composed_ones) / len(alone)))


@cache
def composed_names() -> frozenset[str]:
    """Names of the templates that were put together from phrase tables."""
    return frozenset(template.name for template in composed())
