"""OpenHands: what fails a test is out, the critic chooses among the rest."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import staged
from cwm_agent.scaling.selection.stages import (
    best_verified,
    fewest_failures,
    most_passed,
    regression,
    reproduction,
)

CRITIC = staged(
    "filter-then-critic",
    "OpenHands, SOTA on SWE-bench Verified with inference-time scaling and critic model, 2025",
    fewest_failures(regression, "fewest regression failures"),
    most_passed(reproduction, "passes most reproduction tests"),
    best_verified("highest grade of the critic"),
)
