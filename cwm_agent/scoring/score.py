"""Scores what it is given with the official grader, and writes the report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cwm_agent import __version__
from cwm_agent.config.settings import CostSettings
from cwm_agent.errors import UsageError
from cwm_agent.scoring.candidates import (
    Candidate,
    Control,
    candidates,
    control_candidates,
    empty_score,
    labels,
    placed,
    to_grade,
)
from cwm_agent.scoring.cost import costs_of
from cwm_agent.scoring.grading import LOCAL, GradingBackend, GradingSetup
from cwm_agent.scoring.pool import Pool, PoolOptions
from cwm_agent.scoring.predictions_source import SCORES, Source
from cwm_agent.scoring.report_lines import (
    Attempts,
    evidence_of,
    lines_of,
    priced,
    recorded_lines,
)
from cwm_agent.tasks.datasets import Suite
from cwm_agent.tasks.filters import Selectable, Selection
from envs.progress import Say
from envs.swebench.grader import GradeOptions
from results.files import write_atomically, write_record
from results.predictions import Prediction, doubts
from results.reports.markdown import as_markdown
from results.reports.report import REPORT_FILE, Heading, Line, Report, build_report
from results.reports.sampled import Sampled
from results.reports.validity import Evidence, Flawed, read_flawed
from results.scores import Conditions, Key, Score, ScoreBook


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """How to score.

    With `strip`, files that a patch should not carry are left out; `again` is how often
    patches are graded that have a score already. `flawed` is the list of the ledger.
    """

    selection: Selection = field(default_factory=Selection)
    sample: int | None = None
    strip: bool = False
    grade: GradeOptions = field(default_factory=GradeOptions)
    pool: PoolOptions = field(default_factory=PoolOptions)
    min_free: int = 0
    cost: CostSettings = field(default_factory=CostSettings)
    backend: GradingBackend = LOCAL
    again: int = 0
    flawed: Flawed = field(default_factory=read_flawed)


@dataclass(frozen=True, slots=True)
class Scored:
    """A report and the folder that it lies in."""

    report: Report
    folder: Path


def score_source(source: Source, suite: Suite, options: ScoreOptions, progress: Say) -> Scored:
    """Grade every prediction that has no final score yet, and report on all of them."""
    predictions = chosen(source, suite.instances, options)
    for warning in doubts(predictions, of_file=source.run is None):
        progress(warning)
    work = candidates(predictions, suite.by_id(), strip=options.strip)
    book = ScoreBook(source.scores)
    work = grade_all(work, book, options, progress)
    heading = Heading(
        source.name,
        suite.source,
        suite.key,
        len(suite.instances),
        grader_name(),
        tuple(sorted({found.model for found in predictions})),
        source.modes,
        stripped=options.strip,
        counted=source.counted,
        logs=_logs(source.scores, source.reports),
    )
    ledger = evidence_of(work, book, source.run, options.flawed)
    return _report(source, heading, lines_of(work, book, source.attempts), options.cost, ledger)


def score_control(
    control: Control, suite: Suite, folder: Path, options: ScoreOptions, progress: Say
) -> Scored:
    """Grade the reference patches, or the repositories as they are, of the chosen instances."""
    work = control_candidates(control, options.selection.of(suite.instances))
    book = ScoreBook(folder / SCORES)
    work = grade_all(work, book, options, progress)
    heading = Heading(
        f"control: {control}",
        suite.source,
        suite.key,
        len(suite.instances),
        grader_name(),
        (control,),
        control=control,
        logs=SCORES,
    )
    ledger = evidence_of(work, book, None, options.flawed)
    return write_report(folder, heading, lines_of(work, book, {}), ledger)


def report_recorded(source: Source, options: ScoreOptions) -> Scored:
    """Report on the verdicts that a run has of its own hidden tests; nothing is graded."""
    instances = [_Recorded(name) for name in sorted({name for name, _ in source.attempts})]
    predictions = chosen(source, instances, options)
    kept = {(found.instance, found.sample) for found in predictions}
    attempts: Attempts = {key: found for key, found in source.attempts.items() if key in kept}
    heading = Heading(
        source.name,
        "of the run itself",
        "",
        len(instances),
        "its own tests",
        source.models,
        source.modes,
    )
    ledger = evidence_of((), None, source.run, options.flawed)
    return _report(source, heading, recorded_lines(attempts), options.cost, ledger)


@dataclass(frozen=True, slots=True)
class _Recorded:
    """An instance of which only the name is known."""

    id: str
    repository: str = ""
    difficulty: str = ""


def chosen(
    source: Source, instances: Sequence[Selectable], options: ScoreOptions
) -> list[Prediction]:
    """The predictions that the selection and the sample mean.

    Raises UsageError for none, and for an id that is named and was not predicted.
    """
    selection, found = options.selection, list(source.predictions)
    if selection != Selection():
        wanted = {instance.id for instance in selection.of(instances)}
        found = [prediction for prediction in found if prediction.instance in wanted]
        predicted = {prediction.instance for prediction in source.predictions}
        if missing := [name for name in selection.ids if name not in predicted]:
            raise UsageError(f"{source.name} has no prediction for {', '.join(missing)} (--id)")
    if options.sample is not None:
        found = [prediction for prediction in found if prediction.sample == options.sample]
    if not found:
        raise UsageError("none of the predictions is selected; relax the selection or --sample")
    return found


def grade_all(
    work: Sequence[Candidate], book: ScoreBook, options: ScoreOptions, progress: Say
) -> list[Candidate]:
    """Give every candidate a score in the book, those that have one excepted.

    Returns the candidates under the conditions by which their scores are looked up.
    """
    images = options.backend.image_ids(item.instance.image for item in work)
    grade = options.grade
    under = Conditions("", grade.timeout, grade.network, grader_name())
    whole = placed(work, under, images)
    for _ in range(max(1, options.again)):
        _grade_once(whole, book, options, progress)
    return whole


def _grade_once(
    whole: Sequence[Candidate], book: ScoreBook, options: ScoreOptions, progress: Say
) -> None:
    """Each that has no score, or with `again` each, once."""
    left = to_grade(whole, book, again=options.again > 0)
    _say_known(whole, left, book, progress, again=options.again > 0)
    for candidate in left:
        score = empty_score(candidate)
        if score is not None and book.final(candidate.key, candidate.under) is None:
            book.add(score)
    left = [candidate for candidate in left if empty_score(candidate) is None]
    if left:
        _grade(left, labels(whole), book, options, progress)


def _say_known(
    whole: Sequence[Candidate],
    left: Sequence[Candidate],
    book: ScoreBook,
    progress: Say,
    *,
    again: bool,
) -> None:
    """How many have a score, and how many of those that are graded had another one."""
    if known := len({candidate.key for candidate in whole}) - len(left):
        progress(f"{known} patches have a score already (--again grades them again)")
    old = [score for item in left if (score := book.get(item.key, item.under))]
    if count := sum(score.outcome not in ("infrastructure", "empty") for score in old):
        why = (
            "as you say"
            if again
            else "the score is of another image, grader or network, or a shorter --timeout"
        )
        progress(f"{count} patches are graded again: {why}")


def _grade(
    left: Sequence[Candidate],
    names: Mapping[Key, str],
    book: ScoreBook,
    options: ScoreOptions,
    progress: Say,
) -> None:
    done = 0

    def begun(candidate: Candidate) -> None:
        progress(f"grading {names[candidate.key]} in {candidate.instance.image}")

    def seen(candidate: Candidate, score: Score) -> None:
        nonlocal done
        done += 1
        said = score.verdict.detail or score.failure
        detail = f" ({said})" if said else ""
        progress(
            f"{done}/{len(left)} {names[candidate.key]}: {score.outcome}{detail}, "
            f"{score.seconds:.1f} s"
        )

    progress(f"{len(left)} patches to grade, {min(options.pool.workers, len(left))} at once")
    setup = GradingSetup(book.folder.absolute(), options.grade, options.min_free)
    with options.backend.open(setup, progress) as tools:
        Pool(tools.make_grader, tools.have_image, book, options.pool, seen, begun).run(left)


def _report(
    source: Source,
    heading: Heading,
    lines: tuple[Line, ...],
    prices: CostSettings,
    ledger: Evidence,
) -> Scored:
    costs = costs_of(prices, source.run, source.attempts)
    heading = replace(heading, currency=costs.currency, cost_basis=costs.basis)
    return write_report(source.reports, heading, priced(lines, costs.by_attempt), ledger)


def grader_name() -> str:
    """The package that judges, with its version."""
    from importlib.metadata import version

    return f"swebench {version('swebench')}"


def _logs(scores: Path, reports: Path) -> str:
    """From the report's folder to where the grader's log folders start."""
    return Path(os.path.relpath(scores, reports)).as_posix()


def write_report(
    folder: Path,
    heading: Heading,
    lines: tuple[Line, ...],
    ledger: Evidence | None = None,
    figures: Sampled | None = None,
) -> Scored:
    """Write `report.json` and `report.md`; `figures` are those over samples of problems."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    heading = replace(heading, made=made, version=f"cwm-agent {__version__}")
    report = replace(build_report(heading, lines, ledger), sampled=figures)
    folder.mkdir(parents=True, exist_ok=True)
    write_record(folder / REPORT_FILE, report)
    write_atomically(folder / "report.md", as_markdown(report).encode("utf-8", "replace"))
    return Scored(report, folder)
