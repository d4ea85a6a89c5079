"""Estimating reliabilities and correctness together, without labels, by expectation maximisation.

Sources: Dawid and Skene, Maximum likelihood estimation of observer error-rates using the EM
algorithm, 1979; Chen and others, B4, arXiv 2409.08692, for tests that may themselves be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lgamma

import numpy as np

from cwm_agent.scaling.posterior import parameters as prior
from cwm_agent.scaling.posterior.evidence import TESTS, Floats, Integers
from cwm_agent.scaling.posterior.parameters import Parameters
from cwm_agent.scaling.posterior.states import States

ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Weighed:
    """`weight` (states) is the posterior of each state of its issue, `valid` (pairs) that of tests.

    `evidence` is the log-likelihood of each issue.
    """

    weight: Floats
    valid: Floats
    evidence: Floats


def fit(states: States) -> Parameters:
    """The most probable parameters, from the believed ones in 10 rounds."""
    found = prior.initial()
    for number in range(ROUNDS):
        weighed = weigh(states, found)
        found = _maximise(states, weighed, found)
        if number % 5 == 0:
            found = _best_of_grids(states, found)
    return found


def weigh(states: States, p: Parameters) -> Weighed:
    """The expectation step."""
    said, valid = _tests(states, p)
    total = said + _scores(states, p) + _outputs(states, p) + _sizes(states, p)
    evidence = _sum(states, total)
    return Weighed(np.exp(total - evidence[states.issue]), valid, evidence)


def _sum(states: States, logs: Floats) -> Floats:
    """The logarithm of the sum over the states of each issue."""
    highest = np.maximum.reduceat(logs, states.starts)
    sums = np.add.reduceat(np.exp(logs - highest[states.issue]), states.starts)
    return np.asarray(highest + np.log(sums))


def _tests(states: States, p: Parameters) -> tuple[Floats, Floats]:
    """Log-likelihood of the tests in each state; the chance of each pair's test to be valid."""
    s = states.pairs
    k = s.kind

    def log_of(right: Floats, wrong: Floats) -> Floats:
        found: Floats = (
            s.right_pass * np.log(right)[k]
            + s.right_fail * np.log1p(-right)[k]
            + s.wrong_pass * np.log(wrong)[k]
            + s.wrong_fail * np.log1p(-wrong)[k]
        )
        return found

    good = np.log(p.valid)[k] + log_of(1 - p.slip, p.lucky)
    bad = np.log1p(-p.valid)[k] + log_of(p.invalid_right, p.invalid_wrong)
    both = np.logaddexp(good, bad)
    sums = np.bincount(s.state, weights=s.weight * both, minlength=len(states.issue))
    return sums.astype(np.float64), np.exp(good - both)


def _scores(s: States, p: Parameters) -> Floats:
    right, wrong = np.log(p.score_right).ravel(), np.log(p.score_wrong).ravel()
    return np.asarray(s.score_right @ right + s.score_wrong @ wrong)


def _outputs(s: States, p: Parameters) -> Floats:
    return np.asarray(s.agree * np.log1p(-p.at_odds) + s.differ * np.log(p.at_odds))


def _sizes(s: States, p: Parameters) -> Floats:
    """How likely so many right and wrong samples are, and that they fall into these clusters."""
    most = int(s.samples.max()) + 1
    a, b = p.solve * p.spread, (1 - p.solve) * p.spread
    solved = _gamma(a, most)[s.right_samples] + _gamma(b, most)[s.wrong_samples]
    solved = solved - _gamma(p.spread, most)[s.samples]
    restaurants = _tables(p.right_kinds, s.right_clusters, s.right_samples, most)
    return np.asarray(
        solved + restaurants + _tables(p.wrong_kinds, s.wrong_clusters, s.wrong_samples, most)
    )


def _tables(alpha: float, clusters: Integers, samples: Integers, most: int) -> Floats:
    """The Chinese restaurant's log-probability, without what all states of an issue share."""
    return np.asarray(clusters * np.log(alpha) - _gamma(alpha, most)[samples])


def _gamma(start: float, most: int) -> Floats:
    """Log of the rising factorial, from 0 to `most` steps."""
    return np.array([lgamma(start + n) - lgamma(start) for n in range(most + 1)])


def _maximise(s: States, weighed: Weighed, p: Parameters) -> Parameters:
    """The maximisation step: posterior means of what is counted over all states."""
    t = s.pairs
    pair = weighed.weight[t.state] * t.weight
    good, bad = pair * weighed.valid, pair * (1 - weighed.valid)

    def count(values: Floats) -> Floats:
        return np.bincount(t.kind, weights=values, minlength=len(TESTS)).astype(np.float64)

    right = prior.SCORE_PRIOR + (weighed.weight @ s.score_right).reshape(prior.SCORE_PRIOR.shape)
    wrong = prior.SCORE_PRIOR[:, ::-1]
    wrong = wrong + (weighed.weight @ s.score_wrong).reshape(prior.SCORE_PRIOR.shape)
    lucky = prior.LUCKY.update(count(good * t.wrong_pass), count(good * t.wrong_fail))
    share = weighed.weight * s.right_samples / s.samples
    issues = np.array([float(len(s.starts))])
    solved = np.array([share.sum()])
    differ, agree = (np.array([weighed.weight @ x]) for x in (s.differ, s.agree))
    return replace(
        p,
        valid=prior.VALID.update(count(good), count(bad)),
        slip=prior.SLIP.update(count(good * t.right_fail), count(good * t.right_pass)),
        lucky=np.minimum(lucky, prior.MOST_LUCKY),
        invalid_right=prior.INVALID_RIGHT.update(
            count(bad * t.right_pass), count(bad * t.right_fail)
        ),
        invalid_wrong=prior.INVALID_WRONG.update(
            count(bad * t.wrong_pass), count(bad * t.wrong_fail)
        ),
        score_right=right / right.sum(axis=1, keepdims=True),
        score_wrong=wrong / wrong.sum(axis=1, keepdims=True),
        at_odds=min(prior.MOST_AT_ODDS, float(prior.AT_ODDS.update(differ, agree)[0])),
        solve=float(prior.SOLVE.update(solved, issues - solved)[0]),
    )


def _best_of_grids(s: States, p: Parameters) -> Parameters:
    """Of the shape parameters, one after another, the value that makes the run likeliest."""
    fixed = _tests(s, p)[0] + _scores(s, p) + _outputs(s, p)

    def score(candidate: Parameters) -> float:
        return float(_sum(s, fixed + _sizes(s, candidate)).sum())

    p = max((replace(p, spread=value) for value in prior.SPREADS), key=score)
    p = max((replace(p, right_kinds=value) for value in prior.RIGHT_KINDS), key=score)
    return max((replace(p, wrong_kinds=value) for value in prior.WRONG_KINDS), key=score)
