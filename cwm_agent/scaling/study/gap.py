"""The share of the oracle's lead that a selection keeps, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 4000
"""Bootstrap samples of the issues."""
SEED = 20251127


@dataclass(frozen=True, slots=True)
class Outcome:
    """One issue: how many of its judged samples are right, and whether the chosen one is.

    `chosen` is a share where a choice was made several times. `anew` has (right, judged) of the
    samples that branched from no other, None where none did.
    """

    right: int
    judged: int
    chosen: float
    anew: tuple[int, int] | None = None

    @property
    def single(self) -> float:
        """The chance that one sample is right: samples that share turns are not drawn alone."""
        right, judged = self.anew or (self.right, self.judged)
        return right / judged

    @property
    def marginal(self) -> bool:
        """Whether the choice matters."""
        return 0 < self.right < self.judged


@dataclass(frozen=True, slots=True)
class Gap:
    """Shares of the issues, from 0 to 1. `closed` is None where an oracle gains nothing.

    closed = (selected - mean single) / (pass@k - mean single)

    `low` and `high` are its 95 % interval by a bootstrap over issues, `selected_low` and
    `selected_high` that of `selected`.
    """

    selected: float
    selected_low: float
    selected_high: float
    closed: float | None
    low: float | None
    high: float | None


def gap(outcomes: Sequence[Outcome]) -> Gap:
    """Raises ValueError without issues."""
    if not outcomes:
        raise ValueError("no issue was judged")
    rows = np.array([(o.chosen, o.single, float(o.right > 0)) for o in outcomes])
    selected, single, oracle = rows.mean(axis=0)
    picks = np.random.default_rng(SEED).integers(len(rows), size=(DRAWS, len(rows)))
    counts = np.zeros((DRAWS, len(rows)))
    np.add.at(counts, (np.arange(DRAWS)[:, None], picks), 1.0)
    means = counts @ rows / len(rows)
    low, high = np.quantile(means[:, 0], (0.025, 0.975))
    lead = means[:, 2] - means[:, 1]
    shares = (means[:, 0] - means[:, 1])[lead > 0] / lead[lead > 0]
    if oracle <= single or not len(shares):
        return Gap(float(selected), float(low), float(high), None, None, None)
    edges = np.quantile(shares, (0.025, 0.975))
    closed = (selected - single) / (oracle - single)
    return Gap(*(float(x) for x in (selected, low, high, closed, *edges)))
