"""S*: pairs are compared on inputs that tell them apart."""

from __future__ import annotations

from cwm_agent.scaling.selection.choice import Pool, staged
from cwm_agent.scaling.selection.stages import executed, highest, most_passed
from cwm_agent.scaling.table import Column, Table


def _support(table: Table, column: Column) -> dict[str, float]:
    """Of each output on an input: the best score that a judge gave it, else how many show it."""
    found: dict[str, float] = {}
    for candidate in table.effective:
        cell = table.steady(candidate, column)
        if cell is None:
            continue
        if cell.score is not None:
            found[cell.output] = max(cell.score, found.get(cell.output, 0.0))
        else:
            found[cell.output] = found.get(cell.output, 0.0) + 1
    return found


def _wins(table: Table, pool: Pool) -> dict[str, float]:
    """Over all pairs: an input on which two outputs differ is a point for the better supported."""
    wins = dict.fromkeys((candidate.id for candidate in pool), 0.0)
    for column in table.of_kind("distinguishing"):
        support = _support(table, column)
        outputs = {c.id: cell.output for c in pool if (cell := table.steady(c, column))}
        for one, shown in outputs.items():
            wins[one] += sum(support[shown] > support[other] for other in outputs.values())
    return wins


S_STAR = staged(
    "s-star",
    "Li and others, S*, arXiv 2502.14382: distinguishing inputs, compared by execution",
    most_passed(executed, "passes most tests"),
    highest(_wins, "wins most pairs on distinguishing inputs"),
)
"""Its judge of two outputs is a model; without one, the output that more candidates give wins."""
