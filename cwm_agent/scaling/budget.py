"""Where the next sample should go, and when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.scaling.posterior.parameters import Parameters
from cwm_agent.scaling.posterior.posterior import believe
from cwm_agent.scaling.table import Table


@dataclass(frozen=True, slots=True)
class Standing:
    """An issue so far: samples drawn, how likely the best candidate is right, and how likely
    one more sample is."""

    instance: str
    samples: int
    chance: float
    solve: float


@dataclass(frozen=True, slots=True)
class Rule:
    """An issue is decided from the chance `enough` on, hopeless below a gain of `least_gain`.

    Every issue gets at least `fewest` samples and at most `most`.
    """

    enough: float = 0.95
    least_gain: float = 0.01
    fewest: int = 2
    most: int = 16


def standing(table: Table, parameters: Parameters) -> Standing:
    """How an issue stands by its evidence."""
    belief = believe(table, parameters)
    chance = 0.0 if belief.best is None else belief.chance[belief.best]
    return Standing(table.instance, len(table.candidates), chance, belief.solve)


def gain(standing: Standing) -> float:
    """The chance that the next sample is right where the choice so far is not."""
    return (1 - standing.chance) * standing.solve


def undecided(standings: Sequence[Standing], rule: Rule) -> list[str]:
    """The issues that deserve another sample, the most promising first."""
    open_issues = [s for s in standings if _is_open(s, rule)]
    first = sorted(open_issues, key=lambda s: (s.samples >= rule.fewest, -gain(s), s.instance))
    return [standing.instance for standing in first]


def _is_open(standing: Standing, rule: Rule) -> bool:
    if standing.samples < rule.fewest:
        return True
    if standing.samples >= rule.most or standing.chance >= rule.enough:
        return False
    return gain(standing) >= rule.least_gain
