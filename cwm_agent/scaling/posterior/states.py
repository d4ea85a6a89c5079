"""All ways in which the clusters of the issues can be right or wrong, with what each explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cwm_agent.scaling.posterior.evidence import (
    BINS,
    BY_RIGHT,
    TESTS,
    VERIFIERS,
    Evidence,
    Floats,
    Integers,
)
from cwm_agent.scaling.posterior.parameters import REPEATED, initial

MOST_CLUSTERS = 8
"""Of more clusters only the likeliest so many may be right: 2**8 states an issue."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every state beside every group of tests of its issue, (p).

    `right_pass` to `wrong_fail` say how many right and wrong clusters did that.
    """

    state: Integers
    kind: Integers
    weight: Floats
    right_pass: Floats
    right_fail: Floats
    wrong_pass: Floats
    wrong_fail: Floats


@dataclass(frozen=True, slots=True)
class States:
    """The states of every issue, one after another, (s).

    `right` holds the states of each issue: (states, clusters), 1 for right. `starts` is
    the first state of each issue, `issue` (s) the issue of a state; the next five (s) count.
    `score_right`, `score_wrong` (s, verifiers x bins) count scores of right and wrong clusters.
    `agree` and `differ` (s) count inputs on which right clusters agree or differ.
    """

    right: tuple[Floats, ...]
    starts: Integers
    issue: Integers
    samples: Integers
    right_samples: Integers
    wrong_samples: Integers
    right_clusters: Integers
    wrong_clusters: Integers
    pairs: Pairs
    score_right: Floats
    score_wrong: Floats
    agree: Floats
    differ: Floats


def enumerate_states(issues: Sequence[Evidence]) -> States:
    """The states of issues that have at least one cluster each."""
    right = [_right(issue) for issue in issues]
    both = list(zip(right, issues, strict=True))
    lengths = np.array([len(states) for states in right], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    pairs = [_pairs(z, e, int(start)) for (z, e), start in zip(both, starts, strict=True)]
    scores, odds = [_scores(z, e) for z, e in both], [_agreement(z, e) for z, e in both]
    samples = _whole([np.full(len(z), e.sizes.sum() + e.idle) for z, e in both])
    clusters = _whole([np.full(len(z), z.shape[1]) for z in right])
    right_samples = _whole([z @ e.sizes for z, e in both])
    right_clusters = _whole([z.sum(axis=1) for z in right])
    return States(
        tuple(right),
        starts,
        np.repeat(np.arange(len(issues)), lengths),
        samples,
        right_samples,
        samples - right_samples,
        right_clusters,
        clusters - right_clusters,
        Pairs(*(np.concatenate(parts) for parts in zip(*pairs, strict=True))),
        np.concatenate([of_right for of_right, _ in scores]),
        np.concatenate([of_wrong for _, of_wrong in scores]),
        np.concatenate([agree for agree, _ in odds]),
        np.concatenate([differ for _, differ in odds]),
    )


def _whole(parts: Sequence[Floats | Integers]) -> Integers:
    return np.concatenate(parts).astype(np.int64)


def _right(issue: Evidence) -> Floats:
    """Every subset of the clusters that may be right, (2**live, m)."""
    m = len(issue.clusters)
    live = np.argsort(-_promise(issue), kind="stable")[:MOST_CLUSTERS]
    bits = (np.arange(2 ** len(live))[:, None] >> np.arange(len(live))) & 1
    states = np.zeros((len(bits), m))
    states[:, live] = bits
    return states


def _promise(issue: Evidence) -> Floats:
    """A first guess of the log odds of each cluster: its size, tests and scores taken alone."""
    p = initial()
    gain = np.log((1 - p.slip) / p.lucky)[issue.kinds][:, None]
    loss = np.log(p.slip / (1 - p.lucky))[issue.kinds][:, None]
    weight = (p.valid[issue.kinds] * _weights(issue))[:, None]
    tests = weight * ((issue.outcomes == 1) * gain + (issue.outcomes == 0) * loss)
    scores = (issue.scores - (BINS - 1) / 2) * (issue.scores >= 0)
    found: Floats = np.log(issue.sizes) + tests.sum(axis=0) + 0.5 * scores.sum(axis=0)
    return found


def _pairs(right: Floats, issue: Evidence, start: int) -> tuple[NDArray[Any], ...]:
    """The fields of Pairs."""
    states, groups = len(right), len(issue.kinds)
    authors_right = right[:, issue.authors] * (issue.authors >= 0)
    kinds = issue.kinds + BY_RIGHT * authors_right.astype(np.int64)
    passes, fails = (issue.outcomes == 1).astype(float), (issue.outcomes == 0).astype(float)
    right_pass, right_fail = right @ passes.T, right @ fails.T
    return (
        np.repeat(np.arange(start, start + states), groups),
        kinds.ravel(),
        np.tile(_weights(issue), states),
        right_pass.ravel(),
        right_fail.ravel(),
        (passes.sum(axis=1) - right_pass).ravel(),
        (fails.sum(axis=1) - right_fail).ravel(),
    )


def _weights(issue: Evidence) -> Floats:
    """How much each group of tests counts: n tests of a kind together as n**REPEATED."""
    total = np.bincount(issue.kinds, weights=issue.counts, minlength=len(TESTS))
    return np.asarray(issue.counts * total[issue.kinds] ** (REPEATED - 1))


def _agreement(right: Floats, issue: Evidence) -> tuple[Floats, Floats]:
    agree, differ = np.zeros(len(right)), np.zeros(len(right))
    for outputs, count in zip(issue.outputs, issue.output_counts, strict=True):
        seen = right * (outputs >= 0)
        shown = [(right[:, outputs == o].sum(axis=1) > 0) for o in range(outputs.max() + 1)]
        kinds = np.sum(shown, axis=0)
        agree += count**REPEATED * ((seen.sum(axis=1) > 1) & (kinds == 1))
        differ += count**REPEATED * (kinds > 1)
    return agree, differ


def _scores(right: Floats, issue: Evidence) -> tuple[Floats, Floats]:
    width = len(VERIFIERS) * BINS
    one_hot = np.zeros((right.shape[1], width))
    for kind, row in zip(issue.score_kinds, issue.scores, strict=True):
        there = row >= 0
        one_hot[np.flatnonzero(there), kind * BINS + row[there]] += 1
    return right @ one_hot, (1 - right) @ one_hot
