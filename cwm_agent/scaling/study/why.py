"""Why each recipe chose what it chose in one issue."""

from __future__ import annotations

from collections.abc import Sequence

from cwm_agent.errors import UsageError
from cwm_agent.scaling.labels import Case
from cwm_agent.scaling.posterior.posterior import believe, estimate
from cwm_agent.scaling.selection.registry import RECIPES
from cwm_agent.scaling.study.candidates import candidate_lines
from cwm_agent.wording import counted


def why_lines(cases: Sequence[Case], instance: str) -> list[str]:
    """The candidates with their evidence, then every recipe's choice and the rules that led there.

    Raises UsageError for an issue that is not among the judged ones.
    """
    found = next(((t, x) for t, x in cases if t.instance == instance), None)
    if found is None:
        raise UsageError(f"'{instance}' is not among the {len(cases)} judged issues")
    table, labels = found
    tables = [t for t, _ in cases]
    candidates = counted(len(table.candidates), "candidate")
    lines = [f"{instance}: {candidates}, {counted(len(table.columns), 'column')}", ""]
    belief = believe(table, estimate(tables))
    lines += candidate_lines(table, belief.chance, right=labels.right)
    for recipe in RECIPES:
        choice = recipe.make(tables)(table)
        verdict = _word(labels.right.get(choice.chosen or ""))
        sure = "" if choice.probability is None else f", P = {choice.probability:.2f}"
        lines += ["", f"{recipe.name}: {choice.chosen} ({verdict}{sure})"]
        lines += [
            f"  {step.rule}: {', '.join(step.kept)} stay, {', '.join(step.removed)} go"
            for step in choice.steps
        ]
        if choice.undecided:
            lines.append(f"  undecided; next: {choice.undecided}")
    return lines


def _word(right: bool | None) -> str:
    return {True: "right", False: "wrong", None: "unknown"}[right]
