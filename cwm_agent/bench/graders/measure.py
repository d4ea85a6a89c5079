"""Grades all pairs by both ways, and counts where they differ."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from cwm_agent.bench.graders.code_pairs import code_pairs
from cwm_agent.bench.graders.math_pairs import math_pairs
from cwm_agent.bench.graders.official import Said, check_code, check_mathematics
from cwm_agent.bench.graders.pairs import CodePair, MathPair
from envs.contest.batch import ContestLimits, ContestVerdict
from envs.contest.grader import ContestGrader, MakeSandbox, Solution
from envs.contest.packed import pack
from envs.contest.rows import read_contest_problems
from envs.mathematics.equality import grader_name
from envs.mathematics.grader import Given, MathematicsGrader, MathematicsVerdict
from envs.problem.problem import Problem
from envs.progress import Say

NO_CHECKOUT = (
    "no checker to compare with: give --official DIR, a checkout of "
    "https://github.com/LiveCodeBench/LiveCodeBench"
)


@dataclass(frozen=True, slots=True)
class GraderBench:
    """`official` is a checkout of LiveCodeBench; `seconds` are of one test, for both."""

    official: Path | None
    seconds: int
    cores: Sequence[int]


@dataclass(frozen=True, slots=True)
class Difference:
    """One pair on which the two disagree."""

    pair: str
    ours: str
    official: str


@dataclass(frozen=True, slots=True)
class GraderFigures:
    """Disagreements are of right and wrong; None, with the `reason`, where nothing was compared.

    `code_failed_otherwise` counts pairs that fail by both, but of another cause (a time-out, an
    exception, a wrong answer). `gradings_per_second` is of all code pairs, slow ones included,
    `quick_gradings_per_second` of those without a time-out, on `cores` processors.
    """

    code_pairs: int
    code_right: int
    code_disagreements: int | None
    code_failed_otherwise: int | None
    math_pairs: int
    math_right: int
    math_disagreements: int
    gradings_per_second: float
    quick_gradings_per_second: float
    math_gradings_per_second: float
    cores: int
    math_verify: str
    reason: str
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)


def measure_graders(bench: GraderBench, make_sandbox: MakeSandbox, say: Say) -> GraderFigures:
    """Raises UsageError for a folder without the checker, SandboxError without a sandbox."""
    pairs, answers = code_pairs(), math_pairs()
    quick = [pair for pair in pairs if not pair.name.startswith("slow")]
    limits = ContestLimits(seconds=bench.seconds)
    grader = ContestGrader(make_sandbox, bench.cores, limits)
    verdicts, fast = _graded(grader, quick)
    slow, slow_seconds = _graded(grader, pairs[len(quick) :])
    verdicts = [*verdicts, *slow]
    say(f"{len(pairs)} pairs of code graded")
    compared, math_seconds = _compared(answers, len(bench.cores))
    say(f"{len(answers)} pairs of answers graded")
    differences = _math_differences(answers, compared, check_mathematics(answers, say))
    math_count = len(differences)
    code_count = otherwise = None
    if bench.official is not None:
        said = check_code(bench.official, pairs, bench.seconds, say)
        found = _code_differences(pairs, verdicts, said)
        otherwise = sum(_otherwise(v, s) for v, s in zip(verdicts, said, strict=True))
        code_count, differences = len(found), [*found, *differences]
    return GraderFigures(
        code_pairs=len(pairs),
        code_right=sum(verdict.outcome == "right" for verdict in verdicts),
        code_disagreements=code_count,
        code_failed_otherwise=otherwise,
        math_pairs=len(answers),
        math_right=sum(verdict.outcome == "right" for verdict in compared),
        math_disagreements=math_count,
        gradings_per_second=round(len(pairs) / (fast + slow_seconds), 2),
        quick_gradings_per_second=round(len(quick) / fast, 2),
        math_gradings_per_second=round(len(answers) / math_seconds, 2),
        cores=len(bench.cores),
        math_verify=grader_name(),
        reason="" if bench.official else NO_CHECKOUT,
        differences=tuple(differences),
    )


def grader_lines(found: GraderFigures) -> list[str]:
    """What is printed."""
    code = f"{found.code_disagreements} disagreements" if not found.reason else found.reason
    lines = [
        f"code: {found.code_pairs} pairs, {found.code_right} right; {code}",
        f"mathematics: {found.math_pairs} pairs, {found.math_right} right; "
        f"{found.math_disagreements} disagreements with {found.math_verify}",
        f"{found.gradings_per_second} gradings of code a second on {found.cores} processors "
        f"({found.quick_gradings_per_second} without those that time out), "
        f"{found.math_gradings_per_second} of answers",
    ]
    return lines + [f"  {d.pair}: ours {d.ours}, official {d.official}" for d in found.differences]


def _graded(grader: ContestGrader, pairs: Sequence[CodePair]) -> tuple[list[ContestVerdict], float]:
    """The verdicts in order, and how long they took."""
    found: dict[str, ContestVerdict] = {}

    def seen(solution: Solution, verdict: ContestVerdict, _tries: int) -> None:
        found[solution.name] = verdict

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.jsonl")
        path.write_text("".join(f"{json.dumps(_row(n, pair))}\n" for n, pair in enumerate(pairs)))
        problems = read_contest_problems(path)
        solutions = [
            Solution(problem.id, pair.code, problem)
            for problem, pair in zip(problems, pairs, strict=True)
        ]
        began = time.monotonic()
        grader.grade(solutions, seen)
        seconds = time.monotonic() - began
    return [found[problem.id] for problem in problems], seconds


def _row(number: int, pair: CodePair) -> dict[str, str]:
    """The pair as a row of LiveCodeBench."""
    kind = "functional" if pair.function else "stdin"
    tests = [
        {"input": given, "output": wanted, "testtype": kind}
        for given, wanted in zip(pair.inputs, pair.outputs, strict=True)
    ]
    return {
        "question_id": str(number),
        "question_content": pair.name,
        "public_test_cases": "[]",
        "private_test_cases": pack(tests),
        "metadata": json.dumps({"func_name": pair.function} if pair.function else {}),
    }


def _compared(pairs: Sequence[MathPair], workers: int) -> tuple[list[MathematicsVerdict], float]:
    found: dict[str, MathematicsVerdict] = {}
    given = [
        Given(
            str(number),
            pair.answer,
            Problem(str(number), "integer" if pair.integer else "mathematics", "", "", pair.gold),
        )
        for number, pair in enumerate(pairs)
    ]
    began = time.monotonic()

    def seen(item: Given, verdict: MathematicsVerdict, _tries: int) -> None:
        found[item.name] = verdict

    MathematicsGrader(workers).grade(given, seen)
    return [found[item.name] for item in given], time.monotonic() - began


def _code_differences(
    pairs: Sequence[CodePair], ours: Sequence[ContestVerdict], official: Sequence[Said]
) -> list[Difference]:
    return [
        Difference(pair.name, f"{verdict.outcome} ({verdict.detail})", str(said.code or "right"))
        for pair, verdict, said in zip(pairs, ours, official, strict=True)
        if (verdict.outcome == "right") != said.passed
    ]


def _math_differences(
    pairs: Sequence[MathPair], ours: Sequence[MathematicsVerdict], direct: Sequence[bool]
) -> list[Difference]:
    return [
        Difference(f"{pair.gold!r} and {pair.answer!r}", verdict.outcome, str(same))
        for pair, verdict, same in zip(pairs, ours, direct, strict=True)
        if (verdict.outcome == "right") != same
    ]


def _otherwise(verdict: ContestVerdict, said: Said) -> bool:
    """Whether a failure has another cause than the checker's code says."""
    if said.passed or verdict.outcome == "right":
        return False
    codes = {"wrong": -2, "timeout": -3, "error": -4, "memory": -4}
    return codes.get(verdict.outcome) != said.code
