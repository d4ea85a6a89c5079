"""Scores the answers of a run, or of a file, and writes the report."""

from __future__ import annotations

from dataclasses import replace

from cwm_agent.scoring.answers.graders import AnswerOptions, conditions, grade
from cwm_agent.scoring.answers.items import items_of, to_grade
from cwm_agent.scoring.answers.lines import lines_of, samples_of
from cwm_agent.scoring.cost import costs_of
from cwm_agent.scoring.predictions_source import Source
from cwm_agent.scoring.report_lines import priced
from cwm_agent.scoring.score import Scored, ScoreOptions, chosen, write_report
from cwm_agent.tasks.problems.load import ProblemSet
from envs.progress import Say
from results.reports.report import Heading
from results.reports.sampled import sampled
from results.scores import Score, ScoreBook


def score_answers(
    source: Source,
    problems: ProblemSet,
    options: ScoreOptions,
    answers: AnswerOptions,
    say: Say,
) -> Scored:
    """Grade every answer that has no final score yet, and report on all of them.

    Scores are put down one by one, so whatever stops the command, it goes on
    where it stopped. Raises SandboxError, RowError and UsageError.
    """
    kind = problems.source.suite.kind
    items = items_of(source, chosen(source, problems.problems, options), problems.by_id())
    under, book = conditions(kind, answers), ScoreBook(source.scores)
    work = to_grade(items, book, under, again=options.again > 0)
    every = {item.key(answer) for item in items for answer in (item.answer, item.lenient)}
    if known := len(every) - len(work):
        say(f"{known} answers have a score already (--again grades them again)")
    done = 0

    def seen(score: Score) -> None:
        nonlocal done
        book.add(score)
        done += 1
        if done % 50 == 0 or done == len(work):
            say(f"{done} of {len(work)} answers graded")

    if (published := problems.source.published) is not None:
        say(f"CWM's published pass@1 on these rows is {published} %")
    if work:
        grade(kind, work, answers, seen, say)
    heading = Heading(
        source.name,
        str(problems.source),
        problems.key,
        len(problems.problems),
        under.grader,
        tuple(sorted({item.prediction.model for item in items})),
        source.modes,
        counted=source.counted,
    )
    costs = costs_of(options.cost, source.run, source.attempts)
    heading = replace(heading, currency=costs.currency, cost_basis=costs.basis)
    lines = priced(lines_of(items, book, under, source.attempts), costs.by_attempt)
    figures = sampled(samples_of(items, book, under, source.attempts), votes=kind != "contest")
    return write_report(source.reports, heading, lines, figures=figures)
