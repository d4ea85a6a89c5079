"""What is estimated over a whole run, and what is believed before any evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cwm_agent.scaling.posterior.evidence import BINS, TESTS, VERIFIERS, Floats

REPEATED = 0.9
"""n tests of one kind of an issue weigh as n**0.9: they were written by one model."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Reliabilities of each kind of column, and how samples fall into clusters.

    Over TESTS: `valid` is the chance that a test tells right from wrong at all;
    of a valid one, `slip` is the chance that a right candidate fails and `lucky` that a
    wrong one passes; of an invalid one, `invalid_right` and `invalid_wrong` are the
    chances that a right and a wrong candidate pass. `score_right` and `score_wrong`
    (VERIFIERS, BINS) are distributions of scores. `at_odds` is the chance that right
    candidates differ on an input.

    A sample is right with a chance of its issue, which over issues is Beta distributed with
    mean `solve` and strength `spread`; right and wrong samples form clusters as in a Chinese
    restaurant with concentrations `right_kinds` and `wrong_kinds`.
    """

    valid: Floats
    slip: Floats
    lucky: Floats
    invalid_right: Floats
    invalid_wrong: Floats
    score_right: Floats
    score_wrong: Floats
    at_odds: float
    solve: float
    spread: float
    right_kinds: float
    wrong_kinds: float


@dataclass(frozen=True, slots=True)
class Belief:
    """A Beta prior by its mean and by the number of observations that it stands for."""

    mean: Floats
    strength: float

    def update(self, yes: Floats, no: Floats) -> Floats:
        """The posterior mean after so many observations."""
        return np.asarray((self.mean * self.strength + yes) / (self.strength + yes + no))


def _by_role(regression: float, reproduction: float) -> Floats:
    return np.array([regression if role == "regression" else reproduction for _, role in TESTS])


VALID = Belief(np.array([0.97, 0.7, 0.9, 0.7, 0.9, 0.5, 0.9, 0.8, 0.9, 0.95]), 10.0)
"""By the order of TESTS: who solved the issue has understood it, and tests it rightly; what the
issue says should come out is right more often than what a model thinks. What passed before and is
broken by a right change is rare: none of 45 existing tests of the 60 tasks in docs/scaling.md."""
SLIP = Belief(np.array([0.02, 0.05, 0.02, 0.05, 0.02, 0.05, 0.02, 0.05, 0.02, 0.02]), 40.0)
LUCKY = Belief(np.array([0.8, 0.3, 0.8, 0.3, 0.8, 0.3, 0.8, 0.3, 0.8, 0.2]), 40.0)
"""Calls that the issue quotes: 20 of 106 wrong behaviours passed, on the same 60 tasks."""
MOST_LUCKY = _by_role(0.9, 0.4)
"""Without labels "all are right" and "all are wrong but lucky" explain a run alike: this rules
the second out."""
INVALID_RIGHT = Belief(_by_role(0.5, 0.2), 20.0)
INVALID_WRONG = Belief(_by_role(0.5, 0.4), 20.0)
AT_ODDS = Belief(np.array([0.05]), 20.0)
MOST_AT_ODDS = 0.1
"""Right candidates differ only where the issue is silent. Unbounded, "all are right, and inputs
tell nothing" would explain a run as well."""
SOLVE = Belief(np.array([0.5]), 4.0)
SCORE_PRIOR = np.tile(np.linspace(1.0, 5.0, BINS), (len(VERIFIERS), 1))
"""Dirichlet weights of a right candidate's scores; a wrong one's are the reverse."""
SPREADS = (0.7, 1.0, 1.5, 3.0)
RIGHT_KINDS = (0.03, 0.1, 0.3, 1.0)
WRONG_KINDS = (1.0, 3.0, 10.0)
"""Values among which the likeliest is taken. There are more ways to be wrong than to be right:
where the two may overlap, the fit can swap them."""


def initial() -> Parameters:
    """What is believed before any evidence."""
    right = SCORE_PRIOR / SCORE_PRIOR.sum(axis=1, keepdims=True)
    return Parameters(
        VALID.mean,
        SLIP.mean,
        LUCKY.mean,
        INVALID_RIGHT.mean,
        INVALID_WRONG.mean,
        right,
        right[:, ::-1],
        float(AT_ODDS.mean[0]),
        float(SOLVE.mean[0]),
        0.7,
        0.3,
        3.0,
    )
