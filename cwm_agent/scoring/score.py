"""Scores what it is given with the official grader, and writes the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.scoring.cost import costs_of
from cwm_agent.scoring.lines import Attempts, lines_of, priced, recorded_lines
from cwm_agent.scoring.place import OpenPlace, PlaceWish, local_place
from cwm_agent.scoring.pool import Pool, PoolOptions
from cwm_agent.scoring.source import SCORES, Source
from cwm_agent.scoring.work import (
    Candidate,
    Control,
    candidates,
    control_candidates,
    empty_score,
    to_grade,
)
from cwm_agent.selection import Selection
from cwm_agent.settings import CostSettings
from cwm_agent.suites import Suite
from envs.grader import GradeOptions
from envs.progress import Progress
from results.files import write_atomically, write_record
from results.report import REPORT_FILE, Heading, Line, Report, build_report
from results.reporttext import as_markdown
from results.scores import Score, ScoreBook


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How to score. With `strip`, files that a patch should not carry are left out."""

    selection: Selection = field(default_factory=Selection)
    sample: int | None = None
    strip: bool = False
    grade: GradeOptions = field(default_factory=GradeOptions)
    pool: PoolOptions = field(default_factory=PoolOptions)
    min_free: int = 0
    cost: CostSettings = field(default_factory=CostSettings)
    place: OpenPlace = local_place


@dataclass(frozen=True, slots=True)
class Scored:
    """A report and the folder that it lies in."""

    report: Report
    folder: Path


def score_source(source: Source, suite: Suite, options: ScoreOptions, progress: Progress) -> Scored:
    """Grade every prediction that has no final score yet, and report on all of them."""
    chosen = {instance.id for instance in options.selection.of(suite.instances)}
    predictions = [
        found
        for found in source.predictions
        if options.sample in (None, found.sample)
        and (found.instance in chosen or options.selection == Selection())
    ]
    if not predictions:
        raise UsageError("none of the predictions is chosen; loosen the selection or --sample")
    work = candidates(predictions, suite.by_id(), strip=options.strip)
    book = ScoreBook(source.scores)
    grade_all(work, book, options, progress)
    heading = Heading(
        source.name,
        suite.source,
        suite.key,
        len(suite.instances),
        _grader(),
        source.models,
        source.modes,
        stripped=options.strip,
    )
    return _report(source, heading, lines_of(work, book, source.attempts), options.cost)


def score_control(
    control: Control, suite: Suite, folder: Path, options: ScoreOptions, progress: Progress
) -> Scored:
    """Grade the reference patches, or the repositories as they are, of the chosen instances."""
    work = control_candidates(control, options.selection.of(suite.instances))
    book = ScoreBook(folder / SCORES)
    grade_all(work, book, options, progress)
    heading = Heading(
        f"control: {control}", suite.source, suite.key, len(suite.instances), _grader(), (control,)
    )
    return _write(folder, build_report(heading, lines_of(work, book, {})))


def report_recorded(source: Source, prices: CostSettings) -> Scored:
    """Report on the verdicts that a run has of its own hidden tests; nothing is graded."""
    attempts: Attempts = source.attempts
    size = len({instance for instance, _ in attempts})
    heading = Heading(
        source.name, "of the run itself", "", size, "its own tests", source.models, source.modes
    )
    return _report(source, heading, recorded_lines(attempts), prices)


def grade_all(
    work: Sequence[Candidate], book: ScoreBook, options: ScoreOptions, progress: Progress
) -> None:
    """Give every candidate a score in the book, those that have one excepted."""
    left = to_grade(work, book)
    known = len({candidate.key for candidate in work}) - len(left)
    if known:
        progress(f"{known} patches have a score already")
    for candidate in left:
        if (score := empty_score(candidate)) is not None:
            book.add(score)
    left = to_grade(left, book)
    if not left:
        return
    done = 0

    def seen(candidate: Candidate, score: Score) -> None:
        nonlocal done
        done += 1
        detail = f" ({score.verdict.detail})" if score.verdict.detail else ""
        progress(
            f"{done}/{len(left)} {candidate.instance.id}: {score.outcome}{detail}, "
            f"{score.seconds:.1f} s"
        )

    wish = PlaceWish(book.folder.absolute(), options.grade, options.min_free)
    with options.place(wish, progress) as place:
        Pool(place.make_grader, place.have_image, book, options.pool, seen).run(left)


def _report(
    source: Source, heading: Heading, lines: tuple[Line, ...], prices: CostSettings
) -> Scored:
    costs = costs_of(prices, source.run, source.attempts)
    heading = replace(heading, currency=costs.currency, cost_basis=costs.basis)
    return _write(source.reports, build_report(heading, priced(lines, costs.by_attempt)))


def _grader() -> str:
    from importlib.metadata import version

    return f"swebench {version('swebench')}"


def _write(folder: Path, report: Report) -> Scored:
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder / REPORT_FILE, report)
    write_atomically(folder / "report.md", as_markdown(report).encode("utf-8", "replace"))
    return Scored(report, folder)
