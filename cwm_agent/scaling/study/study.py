"""All recipes on all judged issues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from cwm_agent.scaling.labels import Case, count_anew
from cwm_agent.scaling.selection.choice import Choice, Recipe
from cwm_agent.scaling.selection.recipes.baselines import oracle
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.study.calibration import Bin, expected_error, reliability
from cwm_agent.scaling.study.gap import Gap, Outcome, gap
from cwm_agent.scaling.table import Table


@dataclass(frozen=True, slots=True)
class Scored:
    """What a recipe chose in each issue, in their order, and what that was worth."""

    gap: Gap
    choices: tuple[Choice, ...]
    right: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """Shares of the `issues`, from 0 to 1. `marginal` counts issues in which the choice matters.

    `k` is the most samples of an issue. `ties_share` is the share of issues in which the recipe
    that says probabilities was left with clusters of unequal behaviour that it holds equally
    likely; `ece` is the calibration error of what it said, None where no recipe says any.
    """

    issues: int
    marginal: int
    single: float
    pass_k: float
    k: int
    recipes: dict[str, Scored] = field(default_factory=dict)
    ties_share: float = 0.0
    ece: float | None = None
    curve: tuple[Bin, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The figures under their published names."""
        return {
            "issues": self.issues,
            "marginal": self.marginal,
            "single": round(self.single, 6),
            "pass_k": round(self.pass_k, 6),
            "k": self.k,
            "recipes": {
                name: {
                    "selected": round(scored.gap.selected, 6),
                    "gap_closed": _rounded(scored.gap.closed),
                    "interval": [_rounded(scored.gap.low), _rounded(scored.gap.high)],
                }
                for name, scored in self.recipes.items()
            },
            "ties_share": round(self.ties_share, 4),
            "ece": _rounded(self.ece),
        }


def study(cases: Sequence[Case], recipes: Sequence[Recipe] = RECIPES) -> Study:
    """Choose by every recipe, then look at the labels. Raises ValueError without issues.

    A chosen candidate that was not judged counts as wrong, as does no choice.
    """
    tables = [table for table, _ in cases]
    right = {labels.instance: labels.right for _, labels in cases}
    scored = {r.name: _score(r, cases) for r in (*recipes, oracle(right))}
    outcomes = [_outcome(case, 0.0) for case in cases]
    sure = next(
        (s for s in reversed(scored.values()) if s.choices[0].probability is not None), None
    )
    bins, ties = [], 0.0
    if sure is not None:
        said = [choice.probability or 0.0 for choice in sure.choices]
        bins = reliability(list(zip(said, sure.right, strict=True)))
        ties = fmean(map(_is_tie, tables, sure.choices))
    return Study(
        len(cases),
        sum(outcome.marginal for outcome in outcomes),
        fmean(outcome.single for outcome in outcomes),
        fmean(outcome.right > 0 for outcome in outcomes),
        max(len(table.candidates) for table in tables),
        scored,
        ties,
        expected_error(bins),
        tuple(bins),
    )


def _score(recipe: Recipe, cases: Sequence[Case]) -> Scored:
    select = recipe.make([table for table, _ in cases])
    choices = [select(table) for table, _ in cases]
    won = [
        choice.chosen is not None and labels.right.get(choice.chosen, False)
        for (_, labels), choice in zip(cases, choices, strict=True)
    ]
    outcomes = [_outcome(case, float(chosen)) for case, chosen in zip(cases, won, strict=True)]
    return Scored(gap(outcomes), tuple(choices), tuple(won))


def _outcome(case: Case, chosen: float) -> Outcome:
    return Outcome(*case[1].count(), chosen, count_anew(*case))


def _is_tie(table: Table, choice: Choice) -> bool:
    """Whether candidates of different behaviour were left."""
    return len({table.by_id[name].behaviour for name in choice.tied}) > 1


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
