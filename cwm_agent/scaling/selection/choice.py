"""A recipe is a list of stages; each narrows the candidates and says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cwm_agent.scaling.table import Candidate, Table

Pool = list[Candidate]
"""Candidates that are still in play, by sample number."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One rule. `keep` returns those that stay; where it keeps none, the rule has no say.

    What a tie-break settles, the evidence left open: see `Choice.tied`.
    """

    kind: Literal["filter", "score", "vote", "tie-break"]
    says: str
    keep: Callable[[Table, Pool], Pool]


@dataclass(frozen=True, slots=True)
class Step:
    """What a stage did: ids of the candidates it kept, and of those that it put out."""

    rule: str
    kept: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`chosen` is the id of a candidate, None where no candidate changes anything.

    `tied` are the candidates among which only a tie-break decided, with the chosen one.
    `probability` is how sure the recipe is that the choice is right, None where it does
    not say. `undecided` says what evidence would decide, "" where it is decided.
    """

    chosen: str | None
    tied: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    probability: float | None = None
    undecided: str = ""


Selector = Callable[[Table], Choice]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A way of choosing. `make` gets every table of the run, which most recipes do not need.

    `source` names the paper or program that the rule comes from.
    """

    name: str
    source: str
    make: Callable[[Sequence[Table]], Selector]


def staged(name: str, source: str, *stages: Stage) -> Recipe:
    """A recipe that looks at one table at a time."""

    def select(table: Table) -> Choice:
        return choose(table, stages)

    return Recipe(name, source, lambda _: select)


def choose(table: Table, stages: Sequence[Stage]) -> Choice:
    """Apply the stages in order to the candidates that change something; then the earliest sample.

    A patch that is empty, or touches nothing but tests and their settings, is never chosen.
    """
    pool = sorted(table.effective, key=lambda candidate: (candidate.sample, candidate.id))
    tied, steps = None, []
    for stage in stages:
        if stage.kind == "tie-break" and tied is None:
            tied = pool
        kept = stage.keep(table, pool) if len(pool) > 1 else pool
        ids = {candidate.id for candidate in kept or pool}
        removed = tuple(candidate.id for candidate in pool if candidate.id not in ids)
        pool = [candidate for candidate in pool if candidate.id in ids]
        if removed:
            steps.append(Step(stage.says, tuple(c.id for c in pool), removed))
    if not pool:
        return Choice(None)
    if len(pool) > 1:
        steps.append(Step("earliest sample", (pool[0].id,), tuple(c.id for c in pool[1:])))
    equal = tuple(candidate.id for candidate in tied or pool)
    return Choice(pool[0].id, equal, tuple(steps))
