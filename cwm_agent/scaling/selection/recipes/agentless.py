"""Agentless: regression tests, one reproduction test, then a vote."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import staged
from cwm_agent.scaling.selection.stages import existing, fewest_failures, majority, passes_all
from cwm_agent.scaling.selection.values import majority_tests

AGENTLESS = staged(
    "agentless",
    "Xia and others, Agentless, arXiv 2407.01489; agentless/repair/rerank.py",
    fewest_failures(existing, "fewest regression failures"),
    passes_all(lambda table: majority_tests(table, 1), "passes the reproduction test"),
    majority("ast", "majority of normalised patches"),
)
"""Where nothing passes the reproduction test, all that have the fewest regression failures stay."""
