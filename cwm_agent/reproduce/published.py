"""The published numbers, and what it takes to measure each again.

Sources: MODEL_CARD.md and `evals/` of facebookresearch/cwm at 7930e02 (scores, settings, wall
times on 8 H100), and the paper's tables 8 and 9 and its figure on test-time scaling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cwm_agent.errors import UsageError

Kind = Literal["issues", "problems", "traces"]

MODEL, RUN = "{model}", "{run}"
"""What stands for the checkpoint and the name of the run in a command."""
_ISSUES = "Mode faithful; images are SWE-bench's own; the official grader 5.0.2, not Modal"
_PROBLEMS = "Own prompt in the published form; graded in our sandbox, not on Modal"
_TRACES = (
    "Programs are recorded here by running them; `free` decodes as published, `legal` keeps to the "
    "program's lines"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One published number, in percent.

    `tasks` issues, problems or programs with `samples` answers each; the
    published number is a mean over `published_samples` of them. `steps` are
    the command lines, without the program's name. `tokens` an answer writes
    about so many, and `context` is the mean length of its conversation, both
    assumed. `wall` are the hours that its authors name for 8 H100, None where they name none.
    `dataset` is what has to be at hand, `differs` what is not as it was published.
    """

    name: str
    title: str
    published: float
    kind: Kind
    tasks: int
    samples: int
    published_samples: int
    steps: tuple[tuple[str, ...], ...]
    tokens: int
    context: int
    wall: float | None
    dataset: str
    differs: str
    source: str
    read: str


def _swebench(samples: int, *after: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    run = ("run", "swebench-verified", "--samples", str(samples), "--mode", "faithful")
    return ((*run, "--model", MODEL, "--name", RUN), *after)


def _problems(suite: str, samples: int, *more: str) -> tuple[tuple[str, ...], ...]:
    run = ("run", suite, *more, "--samples", str(samples))
    return ((*run, "--model", MODEL, "--name", RUN), ("score", RUN))


_SCORE = ("score", RUN, "--dataset", "swebench-verified")
_EXPORT = ("export", RUN, "--best", "--out", f"{RUN}-best")
_SCORE_BEST = (
    *("score", f"{RUN}-best/all_preds.jsonl", "--dataset", "swebench-verified"),
    *("--out", f"{RUN}-best"),
)
_CRUXEVAL = (("run", "trace-prediction", "--suite", "cruxeval", "--model", MODEL, "--json"),)
_VERIFIED = "SWE-bench/SWE-bench_Verified"
_CARD = "MODEL_CARD.md"

ROWS: tuple[Row, ...] = (
    Row(
        "swebench-verified", "SWE-bench Verified, one answer", 53.9, "issues", 500, 4, 4,
        _swebench(4, _SCORE), 30_000, 40_000, 24.0, _VERIFIED, _ISSUES, _CARD,
        "pass@1 in report.md",
    ),
    Row(
        "swebench-majority", "SWE-bench Verified, majority of 24 patches", 58.4, "issues", 500, 24,
        1, _swebench(24, ("evidence", RUN, "--tests", "0"), ("select", RUN, "--recipe", "majority"),
                     _EXPORT, _SCORE_BEST),
        30_000, 40_000, 144.0, _VERIFIED,
        _ISSUES + "; the curve flattens near k = 24, the exact k is not published",
        "paper, test-time scaling", "the headline of RUN-best/report.md",
    ),
    Row(
        "swebench-best-of-16", "SWE-bench Verified, best of 16 by 40 generated tests", 65.8,
        "issues", 500, 16, 1,
        _swebench(16, ("evidence", RUN, "--tests", "40"), ("select", RUN, "--recipe", "cwm"),
                  _EXPORT, _SCORE_BEST),
        30_000, 40_000, 96.0, _VERIFIED,
        _ISSUES + "; the tests are written in the same sandboxes and the top 5 by majority count",
        _CARD, "the headline of RUN-best/report.md",
    ),
    Row(
        "swebench-pass-at-40", "SWE-bench Verified, any of 40 answers", 80.4, "issues", 500, 40, 40,
        _swebench(40, _SCORE), 30_000, 40_000, 240.0, _VERIFIED, _ISSUES,
        "paper, test-time scaling", "pass@40 in report.md",
    ),
    Row(
        "livecodebench-v5", "LiveCodeBench v5, 2024-10 to 2025-02", 68.6, "problems", 279, 10, 10,
        _problems("livecodebench", 10, "--window", "v5"), 20_000, 12_000, 4.0,
        "livecodebench/code_generation_lite",
        _PROBLEMS + "; the number of problems in the window is that of the data, 279 is assumed",
        _CARD, "pass@1 in report.md",
    ),
    Row(
        "livecodebench-v6", "LiveCodeBench v6, 2024-08 to 2025-05", 63.5, "problems", 454, 10, 10,
        _problems("livecodebench", 10, "--window", "v6"), 20_000, 12_000, 4.0,
        "livecodebench/code_generation_lite",
        _PROBLEMS + "; the number of problems in the window is that of the data, 454 is assumed",
        _CARD, "pass@1 in report.md",
    ),
    Row(
        "math500", "MATH-500", 96.6, "problems", 500, 20, 20, _problems("math500", 20),
        6_000, 4_000, 5.0, "HuggingFaceH4/MATH-500", _PROBLEMS, _CARD, "pass@1 in report.md",
    ),
    Row(
        "aime24", "AIME 2024", 76.0, "problems", 30, 20, 20, _problems("aime24", 20),
        20_000, 12_000, 2.0, "HuggingFaceH4/aime_2024", _PROBLEMS, _CARD, "pass@1 in report.md",
    ),
    Row(
        "aime25", "AIME 2025", 68.2, "problems", 30, 20, 20, _problems("aime25", 20),
        20_000, 12_000, 2.0, "yentinglin/aime_2025", _PROBLEMS, _CARD, "pass@1 in report.md",
    ),
    Row(
        "trace-output", "CruxEval outputs by trace, greedy (table 9)", 88.0, "traces", 800, 1, 1,
        _CRUXEVAL, 497, 1_000, None, "cruxeval-org/cruxeval", _TRACES, "paper, table 9",
        "free.outputs",
    ),
    Row(
        "trace-full", "CruxEval-O by full trace (table 8)", 87.7, "traces", 800, 1, 1,
        _CRUXEVAL, 497, 1_000, None, "cruxeval-org/cruxeval",
        _TRACES + "; read from the same figure as table 9", "paper, table 8", "free.outputs",
    ),
    Row(
        "trace-state", "CruxEval states exact, greedy (table 9)", 96.9, "traces", 800, 1, 1,
        _CRUXEVAL, 497, 1_000, None, "cruxeval-org/cruxeval",
        _TRACES + "; counted over frames after the true ones before them", "paper, table 9",
        "free.by_action.all.state",
    ),
    Row(
        "trace-action", "CruxEval actions exact, greedy (table 9)", 96.5, "traces", 800, 1, 1,
        _CRUXEVAL, 497, 1_000, None, "cruxeval-org/cruxeval",
        _TRACES + "; counted over frames after the true ones before them", "paper, table 9",
        "free.by_action.all.action",
    ),
)  # fmt: skip

NOT_HERE = {
    "CruxEval-O 58.1 by single-step trace, 94.3 by language reasoning, 66.6 without (table 8)": (
        "`run trace-prediction` asks for traces only"
    ),
    "held-out functions 100.0, 96.4, 98.0, 94.4 (table 9)": "the functions are not published",
    "HaltEval-prelim 0.94 (table 10)": "the 230 programs are not published",
    "BigOBench 41.3 and 76.1": "there is no suite for it here",
    "Terminal-Bench 26.25": (
        "its tasks run here (docs/harbor.md), but its version and agent are not named"
    ),
}
"""Published numbers without a row, and why."""


def row_named(name: str) -> Row:
    """The row; raises UsageError with the names that there are."""
    for row in ROWS:
        if row.name == name:
            return row
    raise UsageError(
        f"there is no published number {name!r}; say {', '.join(r.name for r in ROWS)}"
    )


def commands(row: Row, model: str = "MODEL", run: str = "") -> list[list[str]]:
    """The row's command lines for a checkpoint, as words after `cwm-agent`."""
    name = run or f"reproduce-{row.name}"
    return [[word.replace(MODEL, model).replace(RUN, name) for word in step] for step in row.steps]
