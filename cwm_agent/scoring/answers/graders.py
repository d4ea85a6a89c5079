"""The graders of answers, with a score of each put down as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cwm_agent.attempt.sandboxes import clean_up
from cwm_agent.config.settings import SandboxSettings
from envs.contest.batch import ContestLimits, ContestVerdict
from envs.contest.grader import ContestGrader, Solution
from envs.contest.places import grading_sandboxes, processors
from envs.mathematics.equality import grader_name
from envs.mathematics.grader import Given, MathematicsGrader, MathematicsVerdict
from envs.problem.problem import Kind, Problem
from envs.progress import Say
from results.records import Verdict
from results.scores import Conditions, Key, Score, ScoreOutcome

CONTEST_RULES = "cwm-agent contest 1, rules of LiveCodeBench 28fef95"
ANSWER_SECONDS = 30.0

Work = Mapping[Key, tuple[Problem, str]]
Seen = Callable[[Score], None]


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How answers are graded: `workers` at once, each contest worker on a processor of its own.

    `test_seconds` are of one test of a contest problem, `packages` those that solutions may import.
    """

    workers: int = 1
    test_seconds: float = 6.0
    packages: tuple[str, ...] = ()
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)


def conditions(kind: Kind, options: AnswerOptions) -> Conditions:
    """Under which verdicts are made."""
    if kind == "contest":
        with_them = f" with {', '.join(sorted(options.packages))}" if options.packages else ""
        return Conditions("", round(options.test_seconds), False, CONTEST_RULES + with_them)
    return Conditions("", round(ANSWER_SECONDS), False, grader_name())


def grade(kind: Kind, work: Work, options: AnswerOptions, seen: Seen, say: Say) -> None:
    """Grade all; `seen` gets each score. Raises SandboxError and RowError."""
    under = conditions(kind, options)
    full = {key: item for key, item in work.items() if item[1].strip()}
    for key in work.keys() - full.keys():
        seen(Score(*key, "empty", Verdict(False, detail="there is no answer"), tries=0))
    if full and kind == "contest":
        _grade_contest(full, options, under, seen, say)
    elif full:
        _grade_mathematics(full, options, under, seen)


def _grade_contest(
    work: Work, options: AnswerOptions, under: Conditions, seen: Seen, say: Say
) -> None:
    clean_up(say)  # what a killed command left
    make = grading_sandboxes(options.sandbox.kind, say, options.packages)
    limits = ContestLimits(seconds=options.test_seconds)
    grader = ContestGrader(make, processors(options.workers), limits)
    keys = {str(place): key for place, key in enumerate(work)}
    solutions = [Solution(name, work[key][1], work[key][0]) for name, key in keys.items()]

    def scored(solution: Solution, verdict: ContestVerdict, tries: int) -> None:
        outcome: ScoreOutcome = "resolved" if verdict.outcome == "right" else "unresolved"
        outcome = "timeout" if verdict.outcome == "timeout" else outcome
        seen(_score(keys[solution.name], outcome, verdict, tries, under))

    grader.grade(solutions, scored)


def _grade_mathematics(work: Work, options: AnswerOptions, under: Conditions, seen: Seen) -> None:
    keys = {str(place): key for place, key in enumerate(work)}
    given = [Given(name, work[key][1], work[key][0]) for name, key in keys.items()]

    def scored(item: Given, verdict: MathematicsVerdict, tries: int) -> None:
        outcome: ScoreOutcome = "resolved" if verdict.outcome == "right" else "unresolved"
        outcome = "timeout" if verdict.outcome == "timeout" else outcome
        seen(_score(keys[item.name], outcome, verdict, tries, under))

    MathematicsGrader(options.workers, ANSWER_SECONDS).grade(given, scored)


def _score(
    key: Key,
    outcome: ScoreOutcome,
    verdict: ContestVerdict | MathematicsVerdict,
    tries: int,
    under: Conditions,
) -> Score:
    return Score(
        *key,
        outcome,
        Verdict(outcome == "resolved", detail=verdict.detail),
        seconds=verdict.seconds,
        tries=tries,
        under=under,
        cpu_seconds=verdict.cpu_seconds,
    )
