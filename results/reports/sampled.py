"""Figures over several samples of each problem: pass@1, pass@k, cons@k, and what they cost."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from results.reports.bootstrap import Estimate, mean_of
from results.reports.metrics import pass_at_k

POWERS = (1, 2, 4, 8, 16, 32, 64)
VOTES = 200
"""Draws of k samples for cons@k, where k is not all of them."""
UNKNOWN = "not said"


@dataclass(frozen=True, slots=True)
class Sample:
    """One graded reply. `right` by the published rule; `lenient` also where the rule is broken.

    `answer` is what it votes for, "" for none. `cut`: it was at its limit of tokens.
    `cpu_seconds` went into grading it.
    """

    problem: str
    difficulty: str
    group: str
    date: str
    right: bool
    lenient: bool
    strict: bool
    answer: str = ""
    tokens: int = 0
    cut: bool = False
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sampled:
    """The section `sampled` of a report.

    `pass_at_1` is the mean over problems of the share of right samples; `pass_at` is unbiased
    (Chen and others, 2021); `cons_at` is the share of problems whose most frequent answer among
    k is right, a tie counting in part, where answers can be counted. `strict` is the share of
    replies that keep the published rule of the answer. Means of tokens are of one reply.
    """

    samples: int
    pass_at_1: Estimate
    lenient: Estimate
    strict: Estimate
    pass_at: dict[str, Estimate] = field(default_factory=dict)
    cons_at: dict[str, Estimate] = field(default_factory=dict)
    difficulties: dict[str, Estimate] = field(default_factory=dict)
    groups: dict[str, Estimate] = field(default_factory=dict)
    dates: dict[str, Estimate] = field(default_factory=dict)
    tokens_right: float = 0.0
    tokens_wrong: float = 0.0
    cut: float = 0.0
    cpu_seconds: float = 0.0
    shares: dict[str, float] = field(default_factory=dict)
    """The share of right samples by problem, for comparisons."""


def sampled(samples: Iterable[Sample], *, votes: bool) -> Sampled:
    """All figures; `votes` says whether equal answers can be told by their text."""
    problems: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        problems[sample.problem].append(sample)
    groups = [problems[name] for name in sorted(problems)]
    every = [sample for group in groups for sample in group]
    fewest = min(map(len, groups), default=0)
    sizes = sorted({k for k in (*POWERS, fewest) if 0 < k <= fewest})
    right = [sample.tokens for sample in every if sample.right]
    wrong = [sample.tokens for sample in every if not sample.right]
    return Sampled(
        samples=fewest,
        pass_at_1=_mean(groups, lambda s: s.right),
        lenient=_mean(groups, lambda s: s.lenient),
        strict=_mean(groups, lambda s: s.strict),
        pass_at={
            str(k): mean_of([pass_at_k(len(g), sum(s.right for s in g), k) for g in groups])
            for k in sizes
        },
        cons_at={str(k): mean_of([_voted(g, k) for g in groups]) for k in sizes if votes},
        difficulties=_by(groups, lambda s: s.difficulty),
        groups=_by(groups, lambda s: s.group),
        dates=_by(groups, lambda s: s.date[:7]),
        tokens_right=round(fmean(right), 1) if right else 0.0,
        tokens_wrong=round(fmean(wrong), 1) if wrong else 0.0,
        cut=round(fmean(sample.cut for sample in every), 4) if every else 0.0,
        cpu_seconds=round(sum(sample.cpu_seconds for sample in every), 3),
        shares={g[0].problem: round(fmean(s.right for s in g), 6) for g in groups},
    )


def _mean(groups: Iterable[Sequence[Sample]], what: Callable[[Sample], bool]) -> Estimate:
    return mean_of([fmean(map(what, group)) for group in groups])


def _by(groups: Iterable[Sequence[Sample]], name: Callable[[Sample], str]) -> dict[str, Estimate]:
    found: dict[str, list[Sequence[Sample]]] = defaultdict(list)
    for group in groups:
        found[name(group[0]) or UNKNOWN].append(group)
    return {key: _mean(found[key], lambda s: s.right) for key in sorted(found)}


def _voted(group: Sequence[Sample], k: int) -> float:
    """The chance that the vote of k samples is right.

    Right answers are equal to the gold one and so to each other; others are told by their text.
    """
    if k == len(group):
        return _vote(group)
    draws = random.Random(f"{group[0].problem} {k}")
    return fmean(_vote(draws.sample(group, k)) for _ in range(VOTES))


def _vote(group: Sequence[Sample]) -> float:
    counts = Counter("" if s.right else f"wrong: {s.answer}" for s in group if s.right or s.answer)
    most = max(counts.values(), default=0)
    first = [answer for answer, count in counts.items() if count == most]
    return 1 / len(first) if "" in first else 0.0
