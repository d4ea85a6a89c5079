"""What is known of the samples of one issue beside each other, and why one of them was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mark = Literal["chosen", "out", "empty", "open"]
"""How a choice left a sample; "empty" changes nothing, "open": no choice was made."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Tests of one kind: how many `passed` of those that were run, and those that did not."""

    kind: str
    passed: int
    of: int
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleEvidence:
    """One candidate. `group` names those that behave alike (A has the most), "" where it changes
    nothing; `votes` counts the group. `chance` is the posterior that it is right. `rule` is the
    one that put it out. `outputs` are what came out of inputs on which candidates differ.
    """

    sample: int
    mark: Mark
    group: str = ""
    votes: int = 0
    tallies: tuple[Tally, ...] = ()
    grade: float | None = None
    chance: float | None = None
    rule: str = ""
    outputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SamplesEvidence:
    """All candidates of an issue. `reasons` says in lines how the choice came about.

    `problem` says what could not be read; `hint` what to do where nothing was chosen yet.
    """

    instance: str
    samples: tuple[SampleEvidence, ...] = ()
    recipe: str = ""
    chosen: int | None = None
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    hint: str = ""
    problem: str = ""

    def of(self, sample: int) -> SampleEvidence | None:
        """One of them."""
        return next((found for found in self.samples if found.sample == sample), None)
