"""Composing makes few templates of the many that could be made: the right ones."""

from __future__ import annotations

import pytest

from cwm_agent.generated.templates.composed import numbers, sources, texts
from cwm_agent.generated.templates.composed.engine import Source, compose, thin

TABLES: dict[str, tuple[Source, ...]] = {"range": sources.RANGES, "near": sources.NEIGHBOURS}
TESTS = (None, None, *numbers.LIMITS[:3], texts.WORD_TESTS[0])
CHANGES, RESULTS = numbers.CHANGES[:6], numbers.REDUCE[:6]


@pytest.mark.parametrize("family", TABLES)
def test_they_are_those_that_would_be_kept_of_all(family: str) -> None:
    """All are made where more may be kept than there are; the order is the same, too."""
    parts = (family, TABLES[family], TESTS, CHANGES, RESULTS)
    every = compose(*parts, budget=10_000)
    assert len(every) > 20
    for budget in (0, 1, 7, len(every) - 1, len(every)):
        kept = [template.name for template in compose(*parts, budget=budget)]
        assert kept == [template.name for template in thin(every, budget)]
