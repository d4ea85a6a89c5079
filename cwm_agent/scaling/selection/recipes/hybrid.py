"""R2E-Gym: a verifier and tests together, because each alone saturates."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import Pool, Stage, staged
from cwm_agent.scaling.selection.stages import best_verified, most_passed, regression, reproduction
from cwm_agent.scaling.selection.values import passed, verified
from cwm_agent.scaling.table import Table

LEAST_KEPT = 3


def _keep_better_half(table: Table, pool: Pool) -> Pool:
    scores = verified(table, pool)
    old, new = (passed(table, pool, tests) for tests in (regression(table), reproduction(table)))
    keys = {c.id: (scores[c.id], old[c.id], new[c.id]) for c in pool}
    last = sorted(keys.values(), reverse=True)[: max(LEAST_KEPT, len(pool) // 2)][-1]
    return [candidate for candidate in pool if keys[candidate.id] >= last]


HYBRID = staged(
    "hybrid",
    "Jain and others, R2E-Gym, arXiv 2504.07164; reproduction/verifier_evals.ipynb",
    Stage("filter", "upper half by verifier, regression and new tests", _keep_better_half),
    most_passed(regression, "passes most regression tests"),
    most_passed(reproduction, "passes most new tests"),
    best_verified("highest verifier score"),
)
"""At least 3 are kept by the filter; those equal to the last of them stay, too."""
