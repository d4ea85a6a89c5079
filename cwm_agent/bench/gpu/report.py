"""What a run found, as data, as JSON and as a table."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = "gpu-report.json"


@dataclass(frozen=True, slots=True)
class Goal:
    """One headline figure: its name in the report, what it says, and the least that is wanted.

    `at_most` turns the comparison round.
    """

    name: str
    says: str
    wanted: float
    at_most: bool = False


GOALS = (
    Goal("decode_b1_bf16_share", "decode, batch 1, bf16: share of the byte roofline", 0.85),
    Goal("decode_b1_fp8_share", "decode, batch 1, fp8 weights: share of its roofline", 0.75),
    Goal("decode_b16_fp8_share", "decode, batch 16, fp8 weights: share of its roofline", 0.75),
    Goal("decode_attention_share", "decode attention kernel: share of copy bandwidth", 0.85),
    Goal("extend_attention_share", "extend attention kernel: share of the matmul ceiling", 0.55),
    Goal("prefill_8k_share", "prefill end to end: share of the matmul ceiling", 0.55),
    Goal("vs_transformers_b1", "transformers' generate, batch 1: its seconds over ours", 3.0),
    Goal("vs_transformers_b16", "transformers' generate, batch 16: its seconds over ours", 6.0),
    Goal("small_kernels_share", "worst of norm, rope+write, SwiGLU: share of copy", 0.85),
    Goal("deterministic", "ids of a session alone and among neighbours are equal", 1.0),
    Goal("determinism_price", "time that fixed row padding adds to a step of batch 1", 0.05, True),
    Goal("long_context_runs", "the longest context runs with fp8 weights", 1.0),
    Goal("memory_as_planned", "device memory then in use, over the plan's", 1.0, True),
)


@dataclass(slots=True)
class Report:
    """Figures as they come in. A figure that is missing has a reason.

    `facts` say of what and where: machine, date, commit, shape, versions.
    `details` hold what a figure was computed from.
    """

    facts: dict[str, Any]
    figures: dict[str, float | bool] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, value: float | bool, **details: Any) -> None:
        """A figure and what it was computed from."""
        if isinstance(value, float) and not math.isfinite(value):
            self.miss(name, f"the measurement gave {value}")
            return
        self.figures[name] = value if isinstance(value, bool) else round(value, 4)
        self.details[name] = details

    def miss(self, name: str, reason: str) -> None:
        """A figure could not be had."""
        self.reasons.setdefault(name, reason)

    @property
    def failed(self) -> bool:
        """Whether a test failed, a session was not deterministic, or a part broke."""
        tests = self.details.get("tests", {})
        broken = any(reason.startswith("failed") for reason in self.reasons.values())
        return bool(tests.get("failed")) or self.figures.get("deterministic") is False or broken

    def to_json(self) -> dict[str, Any]:
        """Every goal by name (null with a reason where there is none), then the rest."""
        shown = {goal.name: self.figures.get(goal.name) for goal in GOALS}
        reasons = {
            name: self.reasons.get(name, "not reached")
            for name, value in shown.items()
            if value is None
        }
        return self.facts | shown | {"reasons": reasons, "details": self.details}

    def write(self, path: Path) -> None:
        """Write the JSON; a reader never sees half of it."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        part.replace(path)


def met(goal: Goal, value: float | bool) -> bool:
    """Whether a figure is as good as wanted."""
    return value <= goal.wanted if goal.at_most else value >= goal.wanted


def table(report: dict[str, Any]) -> str:
    """The headline figures of a report's JSON, one line each, in Markdown."""
    lines = ["| | measured | wanted | |", "|---|---|---|---|"]
    for goal in GOALS:
        value, wanted = report[goal.name], _shown(goal.wanted, goal)
        sign = "at most" if goal.at_most else "at least"
        if goal.wanted == 1.0 and not goal.at_most:
            sign, wanted = "", "yes"
        verdict = "open" if value is None else "met" if met(goal, value) else "NOT MET"
        if value is None:
            shown = f"not measured: {report['reasons'][goal.name]}"
        else:
            shown = _shown(value, goal)
        lines.append(f"| {goal.says} | {shown} | {sign} {wanted} | {verdict} |")
    return "\n".join(lines)


def _shown(value: float | bool, goal: Goal) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if goal.name.startswith("vs_"):
        return f"{value:.2f}x"
    return f"{value:.1%}"
