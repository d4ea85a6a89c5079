"""Templates written by hand: functions as real utility code has them."""

from __future__ import annotations

from cwm_agent.generated.templates.standalone import (
    bits,
    games,
    geometry,
    grids,
    lists,
    mappings,
    money,
    numbers,
    paging,
    pairs,
    parsing,
    records,
    schedules,
    searching,
    sequences,
    sets,
    sorting,
    stacks,
    texts,
    times,
    validation,
    versions,
)
from cwm_agent.generated.templates.template import Template

_MODULES = (
    *(lists, texts, numbers, mappings, pairs, grids, times, money),
    *(paging, parsing, sorting, searching, validation, sets, sequences),
    *(games, geometry, bits, versions, schedules, stacks, records),
)


def standalone() -> list[Template]:
    """All stand-alone templates, always in the same order."""
    return [template for module in _MODULES for template in module.TEMPLATES]
