"""How far a repeated measurement may lie from the published one by chance, and how long it takes.

The hours are a formula, not a measurement: no GPU was at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cwm_agent.reproduce.published import Row
from model.config.shapes import named_shape
from model.engine.fit import plan_fit
from model.engine.memory import GIB, Deployment
from results.reports.metrics import Z95

CARD = 80 * GIB
CARDS, TENSOR_PARALLEL = 8, 2
"""The hardware of the published wall times: 8 H100, two to a copy of the model."""
BANDWIDTH = 3.35e12
"""Bytes a second of an H100's memory, by its data sheet."""
SHARE = 0.6
"""Of the bandwidth that decoding reaches: an assumption. The goal of `bench gpu` is 0.85."""
MOST_SESSIONS = 128
"""`max_batch` of the published settings."""
HARDWARE = f"{CARDS} x H100 80 GB, {CARDS // TENSOR_PARALLEL} copies of the model in bf16"


@dataclass(frozen=True, slots=True)
class Interval:
    """Percent, 95 %."""

    low: float
    high: float


def interval(row: Row) -> Interval:
    """Where a repetition on the same tasks may lie: published +- 1.96 s.

    s is that of the difference of two means over the same tasks, of as many
    samples as were published and as are taken now. The chance of one task is
    not known, so its variance p (1 - p) is that of the mean chance, which is
    the most it can be (Jensen): the interval is, if anything, too wide.
    """
    p = row.published / 100
    ours = 1 if row.published_samples == 1 or row.name.startswith("swebench-pass") else row.samples
    theirs = 1 if ours == 1 else row.published_samples
    spread = math.sqrt(p * (1 - p) / row.tasks * (1 / ours + 1 / theirs))
    reach = 100 * Z95 * spread
    return Interval(
        round(max(0.0, row.published - reach), 1), round(min(100.0, row.published + reach), 1)
    )


@dataclass(frozen=True, slots=True)
class Hours:
    """`value` for HARDWARE; `sessions` decode at once on a copy, at `rate` tokens a second each
    copy. `published` is what the authors name, for their samples times ours."""

    value: float
    sessions: int
    rate: float
    published: float | None


def hours(row: Row) -> Hours:
    """Decoding alone, by the roofline of memory: a step reads the weights and all keys and values.

    Prefill, tools and grading are left out; they overlap with other sessions' decoding.
    """
    deployment = Deployment(named_shape("32b"), tensor_parallel=TENSOR_PARALLEL)
    fit = plan_fit(deployment, CARD, context=row.context, batch=1)
    copies = CARDS // TENSOR_PARALLEL
    sessions = max(1, min(fit.sessions, MOST_SESSIONS, math.ceil(row.tasks * row.samples / copies)))
    session_bytes = row.context * fit.token_bytes + fit.window_bytes
    step = (fit.memory.weights + sessions * session_bytes) / (BANDWIDTH * SHARE)
    rate = sessions / step
    seconds = row.tasks * row.samples * row.tokens / (copies * rate)
    return Hours(round(seconds / 3600, 2), sessions, round(rate, 1), row.wall)
