"""What an adaptive budget would have saved: saved samples drawn one by one, until decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.scaling.budget import Rule, standing, undecided
from cwm_agent.scaling.labels import Case
from cwm_agent.scaling.posterior.posterior import estimate
from cwm_agent.scaling.selection.recipes.posterior import POSTERIOR
from cwm_agent.scaling.study.curves import fewer
from cwm_agent.wording import counted

ENOUGH = (0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Spent:
    """Under one threshold: issues resolved, samples and tokens of all issues."""

    enough: float
    resolved: int
    samples: int
    tokens: int


def replay(cases: Sequence[Case], rule: Rule) -> Spent:
    """Draw the saved samples in their order; after each round the undecided issues get one more."""
    orders = {t.instance: sorted(c.sample for c in t.candidates) for t, _ in cases}
    drawn = {name: min(rule.fewest, len(order)) for name, order in orders.items()}
    while True:
        tables = [fewer(t, orders[t.instance][: drawn[t.instance]]) for t, _ in cases]
        parameters = estimate(tables)
        standings = [standing(table, parameters) for table in tables]
        more = [n for n in undecided(standings, rule) if drawn[n] < len(orders[n])]
        if not more:
            break
        for name in more:
            drawn[name] += 1
    select = POSTERIOR.make(tables)
    picks = [
        (select(table).chosen, labels) for table, (_, labels) in zip(tables, cases, strict=True)
    ]
    tokens = sum(c.own_tokens for table in tables for c in table.candidates)
    resolved = sum(
        chosen is not None and labels.right.get(chosen, False) for chosen, labels in picks
    )
    return Spent(rule.enough, resolved, sum(drawn.values()), tokens)


def adaptive_lines(cases: Sequence[Case]) -> list[str]:
    """Score and tokens for several thresholds, beside drawing every sample."""
    most = max(len(table.candidates) for table, _ in cases)
    full = replay(cases, Rule(enough=1.1, least_gain=0.0, fewest=most, most=most))
    spent = f"{full.resolved} resolved, {counted(full.tokens, 'token')}"
    lines = [f"adaptive budget (all samples: {spent})"]
    for enough in ENOUGH:
        less = replay(cases, Rule(enough=enough, most=most))
        saved = 1 - less.tokens / full.tokens if full.tokens else 1 - less.samples / full.samples
        lines.append(
            f"  stop at P = {enough:.2f}: {less.resolved} resolved, "
            f"{counted(less.samples, 'sample')}, "
            f"{saved:.0%} of the tokens saved"
        )
    return lines
