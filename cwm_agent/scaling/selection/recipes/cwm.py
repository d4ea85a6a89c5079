"""CWM's own protocol for best of k."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import staged
from cwm_agent.scaling.selection.stages import existing, fewest_tokens, majority, most_passed
from cwm_agent.scaling.selection.values import majority_tests
from cwm_agent.scaling.table import Column, Table

TOP_TESTS = 5


def _tests(table: Table) -> list[Column]:
    return [*existing(table), *majority_tests(table, TOP_TESTS)]


CWM = staged(
    "cwm",
    "Copet and others, CWM, arXiv 2510.02387, with evals/README.md of its repository",
    most_passed(_tests, "passes most of the existing tests and the 5 majority tests"),
    majority("ast", "majority patch"),
    fewest_tokens(),
)
"""Steps 3 to 5: existing tests raw, the 5 majority tests of those generated; majority; tokens."""
