"""Lines of the report, and samples for its figures, of graded answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cwm_agent.scoring.answers.items import Item
from cwm_agent.scoring.report_lines import Attempts, with_attempt
from envs.problem.problem import Kind
from results.errors import ResultsError
from results.records import AttemptResult
from results.reports.report import Line
from results.reports.sampled import Sample
from results.scores import Conditions, Score, ScoreBook

RULE_BROKEN = "right, but the reply breaks the rule"


def lines_of(
    items: Iterable[Item], book: ScoreBook, under: Conditions, attempts: Attempts
) -> tuple[Line, ...]:
    """A line for each sample, all of which have a score."""
    lines = []
    for item in items:
        score, lenient = _scores(item, book, under)
        detail = score.verdict.detail
        result = attempts.get(item.place)
        if not item.answer and lenient.outcome == "resolved":
            detail = f"{RULE_BROKEN}: {result.detail}" if result else RULE_BROKEN
        line = Line(
            item.problem.id,
            item.prediction.sample,
            item.problem.group,
            item.problem.difficulty,
            score.outcome,
            detail,
            grading_seconds=score.seconds,
            model=item.prediction.model,
            year=item.problem.date[:7],
            cpu_seconds=lenient.cpu_seconds,
        )
        lines.append(with_attempt(line, result))
    return tuple(lines)


def samples_of(
    items: Iterable[Item],
    book: ScoreBook,
    under: Conditions,
    attempts: Mapping[tuple[str, int], AttemptResult],
) -> list[Sample]:
    """The same for the figures."""
    found = []
    for item in items:
        score, lenient = _scores(item, book, under)
        result = attempts.get(item.place)
        problem = item.problem
        found.append(
            Sample(
                problem.id,
                problem.difficulty,
                problem.group,
                problem.date,
                right=score.outcome == "resolved",
                lenient=lenient.outcome == "resolved",
                strict=bool(item.answer),
                answer=ballot(item.answer, problem.kind),
                tokens=result.completion_tokens if result else 0,
                cut=result is not None and result.exit_reason == "token_limit",
                cpu_seconds=lenient.cpu_seconds,
            )
        )
    return found


def ballot(answer: str, kind: Kind) -> str:
    """What an answer votes for: its text without blanks and dollars, an integer by its value."""
    text = "".join(answer.split()).strip("$.")
    if kind == "integer" and text.isascii() and text.isdecimal():
        return str(int(text))
    return text


def _scores(item: Item, book: ScoreBook, under: Conditions) -> tuple[Score, Score]:
    found = [book.get(item.key(answer), under) for answer in (item.answer, item.lenient)]
    if found[0] is None or found[1] is None:
        raise ResultsError(f"{item.problem.id} has no score; run the same command again")
    return found[0], found[1]
