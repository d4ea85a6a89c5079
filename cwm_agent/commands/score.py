"""The command `score`: from its options to a report on the screen and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args

from cwm_agent.config.resolve import load_settings
from cwm_agent.config.settings import ClusterSettings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.scoring.answers.graders import AnswerOptions
from cwm_agent.scoring.answers.score import score_answers
from cwm_agent.scoring.candidates import Control
from cwm_agent.scoring.grading import LOCAL, GradingSite
from cwm_agent.scoring.predictions_source import open_source
from cwm_agent.scoring.score import (
    Scored,
    ScoreOptions,
    report_recorded,
    score_control,
    score_source,
)
from cwm_agent.streams import ReaderGoneError
from cwm_agent.tasks.datasets import load_suite
from cwm_agent.tasks.problems.load import load_problems
from cwm_agent.tasks.problems.source import is_source, read_source
from cwm_agent.view.sanitize import clean, clean_line
from results.codec import encode
from results.reports.markdown import as_markdown
from results.reports.report import Report
from results.store import Store

DATASET = "swebench-verified"


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """The options of `cwm-agent score` as given."""

    target: str | None
    dataset: str | None
    control: str | None
    out: Path | None
    options: ScoreOptions
    answers: AnswerOptions = field(default_factory=AnswerOptions)
    on: str = "local"


def run_score(
    wish: ScoreRequest,
    runs: str | None,
    *,
    config_files: Sequence[Path],
    assignments: Sequence[str],
    as_json: bool,
) -> int:
    """Do what was asked and print it; returns the exit code. Raises the errors of the parts."""
    resolved = load_settings(
        config_files=config_files, assignments=assignments, flags={"runs": runs}
    )
    settings = resolved.settings
    options = replace(
        wish.options,
        min_free=int(settings.sandbox.min_free),
        cost=settings.cost,
        place=_place(wish.on, settings.cluster),
    )
    wish = replace(wish, answers=replace(wish.answers, sandbox=settings.sandbox))
    scored = _scored(wish, options, Store(resolved.runs_folder()))
    with suppress(ReaderGoneError):
        if as_json:
            print(json.dumps({"folder": str(scored.folder), **encode(scored.report)}, indent=2))
        else:
            print(clean(as_markdown(scored.report)), end="", flush=True)
    _say(f"written to {scored.folder / 'report.md'} and report.json")
    return _exit_code(scored.report)


def _scored(wish: ScoreRequest, options: ScoreOptions, store: Store) -> Scored:
    if wish.control is not None:
        if wish.control not in get_args(Control):
            raise UsageError(f"unknown control {wish.control!r}; use gold or noop")
        if wish.target is not None:
            raise UsageError("a control has patches of its own: leave out the run or predictions")
        folder = wish.out or Path(f"control-{wish.control}")
        suite = load_suite(wish.dataset or DATASET)
        return score_control(cast(Control, wish.control), suite, folder, options, _say)
    if wish.target is None:
        raise UsageError("name a run or a file of predictions, or ask for a --control")
    source = open_source(wish.target, store, wish.out)
    if source.unfinished:
        _say(f"{source.unfinished} attempts are not finished and are left out")
    if wish.dataset is None and source.judged:
        return report_recorded(source, options)
    dataset = wish.dataset or source.dataset or DATASET
    if is_source(dataset):
        if wish.on != "local":
            raise UsageError(f"--on {wish.on}: answers are graded on local, this machine")
        problems = load_problems(read_source(dataset))
        return score_answers(source, problems, options, wish.answers, _say)
    suite = load_suite(dataset)
    return score_source(source, suite, options, _say)


def _place(on: str, settings: ClusterSettings) -> GradingSite:
    """Where to grade; raises UsageError for another word, or without the extra."""
    match on:
        case "local":
            return LOCAL
        case "ray":
            from cwm_agent.cluster.connect import import_ray
            from cwm_agent.cluster.grading import ray_place

            import_ray()
            return ray_place(settings)
    raise UsageError(f"--on {on}: patches are graded on local (this machine) or on ray (a cluster)")


def _exit_code(report: Report) -> ExitCode:
    if report.outcomes.get("infrastructure"):
        return ExitCode.ENVIRONMENT
    return ExitCode.UNRESOLVED if report.control_failed else ExitCode.SUCCESS


def _say(line: str) -> None:
    print(clean_line(line), file=sys.stderr, flush=True)
