"""What the runs of a check found, as data and as JSON; a later run adds to an earlier one's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cwm_agent.errors import CwmAgentError

FILE = "gpu-report.json"


class OtherReportError(CwmAgentError):
    """The file holds figures that these do not belong to."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One headline figure: its name in the report, what it says, and the least that is wanted.

    `at_most` turns the comparison round. `unit`: a share in percent, a multiple (x), ms.
    """

    name: str
    says: str
    wanted: float
    at_most: bool = False
    unit: str = "%"


GOALS = (
    Goal("decode_b1_bf16_share", "decode, batch 1, bf16: share of the byte roofline", 0.85),
    Goal("decode_b1_fp8_share", "decode, batch 1, fp8 weights: share of its roofline", 0.75),
    Goal("decode_b16_fp8_share", "decode, batch 16, fp8 weights: share of its roofline", 0.75),
    Goal("decode_attention_share", "decode attention kernel: share of copy bandwidth", 0.85),
    Goal("extend_attention_share", "extend attention kernel: share of the matmul ceiling", 0.55),
    Goal("prefill_8k_share", "prefill end to end: share of the matmul ceiling", 0.55),
    Goal(
        "vs_transformers_b1",
        "transformers' generate, batch 1: its seconds over ours",
        3.0,
        unit="x",
    ),
    Goal(
        "vs_transformers_b16",
        "transformers' generate, batch 16: its seconds over ours",
        6.0,
        unit="x",
    ),
    Goal("small_kernels_share", "worst of norm, rope+write, SwiGLU: share of copy", 0.85),
    Goal("deterministic", "ids of a session alone and among neighbours are equal", 1.0),
    Goal("determinism_price", "time that fixed row padding adds to a step of batch 1", 0.05, True),
    Goal("long_context_runs", "the longest context runs with fp8 weights", 1.0),
    Goal("memory_as_planned", "device memory then in use, over the plan's", 1.0, True),
    Goal("fork_ms", "8 children of a 20-turn session: time for their KV", 5.0, True, unit="ms"),
)


@dataclass(slots=True)
class Report:
    """Figures, and the runs that they come from; a figure that is missing has a reason.

    `runs` say of machine, date, commit, versions, ceilings, and what became of each part.
    `details` hold what a figure was computed from, and `run`, the index of its run. `kernels`
    hold the comparisons of each kernel, `failures` what is wrong by part, `tests` what became
    of each test, `tuning` the search by kernel.
    """

    shape: str
    device: str
    figures: dict[str, float | bool] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    kernels: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)
    tuning: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, facts: dict[str, Any]) -> None:
        """A new run, to which all that follows belongs."""
        self.runs.append(facts | {"parts": {}})

    @property
    def run(self) -> dict[str, Any]:
        """The run that is under way."""
        return self.runs[-1]

    @property
    def number(self) -> int:
        """Its index."""
        return len(self.runs) - 1

    def add(self, name: str, value: float | bool, details: dict[str, Any]) -> None:
        """A figure and what it was computed from; it replaces that of an earlier run."""
        self.figures[name] = value
        self.details[name] = details | {"run": self.number}
        self.reasons.pop(name, None)

    def miss(self, name: str, reason: str) -> None:
        """A figure could not be had in this run."""
        if self.details.get(name, {}).get("run") != self.number:
            self.reasons[name] = reason

    def part(self, name: str, outcome: str, seconds: float = 0.0) -> None:
        """What became of a part in this run: done, wrong, failed, crashed, hung or skipped."""
        self.run["parts"][name] = {"outcome": outcome, "seconds": seconds}

    @property
    def failed(self) -> bool:
        """Whether a part of this run did not end well, or a session was not deterministic."""
        bad = {part["outcome"] for part in self.run["parts"].values()} - {"done", "skipped"}
        mine = self.details.get("deterministic", {}).get("run") == self.number
        return bool(bad) or (mine and self.figures.get("deterministic") is False)

    def to_json(self) -> dict[str, Any]:
        """Every goal by name (null with a reason where there is none), then the rest."""
        shown = {goal.name: self.figures.get(goal.name) for goal in GOALS}
        reasons = {
            name: self.reasons.get(name, "not reached")
            for name, value in shown.items()
            if value is None
        }
        return {
            "shape": self.shape,
            "device": self.device,
            **shown,
            "reasons": reasons,
            "further": {k: v for k, v in self.figures.items() if k not in shown},
            "failures": self.failures,
            "kernels": self.kernels,
            "tests": self.tests,
            "tuning": self.tuning,
            "details": self.details,
            "runs": self.runs,
        }

    def write(self, path: Path) -> None:
        """Write the JSON; a reader never sees half of it."""
        part = path.with_suffix(".part")
        part.write_text(json.dumps(self.to_json(), indent=2) + "\n", encoding="utf-8")
        part.replace(path)


def read_report(path: Path, shape: str, device: str) -> Report:
    """The report of earlier runs, or an empty one; raises OtherReportError."""
    if not path.exists():
        return Report(shape, device)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if (raw["shape"], raw["device"]) == (shape, device):
            shown = {goal.name: raw.get(goal.name) for goal in GOALS} | raw["further"]
            kept = ("reasons", "failures", "kernels", "tests", "tuning", "details", "runs")
            return Report(
                shape,
                device,
                {name: value for name, value in shown.items() if value is not None},
                **{name: raw[name] for name in kept},
            )
        what = f"is of shape {raw['shape']} on {raw['device']}, not of {shape} on {device}"
    except (ValueError, TypeError, KeyError) as error:
        what = f"is no report of this program ({type(error).__name__}: {error})"
    raise OtherReportError(f"{path} {what}; give another file with --out, or remove it")
