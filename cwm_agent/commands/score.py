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
from cwm_agent.config.settings import ClusterSettings, SandboxSettings
from cwm_agent.errors import UsageError
from cwm_agent.exit_codes import ExitCode
from cwm_agent.scoring.answers.graders import AnswerOptions
from cwm_agent.scoring.answers.score import score_answers
from cwm_agent.scoring.candidates import Control
from cwm_agent.scoring.grading import LOCAL, GradingBackend
from cwm_agent.scoring.predictions_source import check_dataset, open_source
from cwm_agent.scoring.score import (
    Scored,
    ScoreOptions,
    report_recorded,
    score_control,
    score_source,
)
from cwm_agent.streams import ReaderGoneError
from cwm_agent.tasks.datasets import load_suite
from cwm_agent.tasks.harbor import is_suite
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
    request: ScoreRequest,
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
        request.options,
        min_free=int(settings.sandbox.min_free),
        cost=settings.cost,
        backend=_backend(request.on, settings.cluster),
    )
    request = replace(request, answers=replace(request.answers, sandbox=settings.sandbox))
    scored = _scored(request, options, Store(resolved.runs_folder()), settings.sandbox)
    with suppress(ReaderGoneError):
        if as_json:
            print(json.dumps({"folder": str(scored.folder), **encode(scored.report)}, indent=2))
        else:
            print(clean(as_markdown(scored.report)), end="", flush=True)
    _say(f"written to {scored.folder / 'report.md'} and report.json")
    return _exit_code(scored.report)


def _scored(
    request: ScoreRequest, options: ScoreOptions, store: Store, sandbox: SandboxSettings
) -> Scored:
    if request.control is not None:
        if request.control not in get_args(Control):
            raise UsageError(f"unknown control {request.control!r}; use gold or noop")
        tasks = request.dataset or request.target
        if tasks is not None and is_suite(tasks) and None in (request.dataset, request.target):
            from cwm_agent.commands.harbor_control import score_tasks

            folder = request.out or Path(f"control-{request.control}")
            control = cast(Control, request.control)
            return score_tasks(control, tasks, folder, options, sandbox, _say)
        if request.target is not None:
            raise UsageError("a control has patches of its own: leave out the run or predictions")
        folder = request.out or Path(f"control-{request.control}")
        suite = load_suite(request.dataset or DATASET)
        return score_control(cast(Control, request.control), suite, folder, options, _say)
    if request.target is None:
        raise UsageError("name a run or a file of predictions, or ask for a --control")
    source = open_source(request.target, store, request.out)
    if source.unfinished:
        _say(f"{source.unfinished} attempts are unfinished and left out")
    if request.dataset is None and source.judged:
        return report_recorded(source, options)
    dataset = request.dataset or source.dataset or DATASET
    check_dataset(dataset, source)
    if is_source(dataset):
        if request.on != "local":
            raise UsageError(f"--on {request.on}: answers are graded on local, this machine")
        problems = load_problems(read_source(dataset))
        return score_answers(source, problems, options, request.answers, _say)
    suite = load_suite(dataset)
    return score_source(source, suite, options, _say)


def _backend(on: str, settings: ClusterSettings) -> GradingBackend:
    """Where to grade; raises UsageError for another word, or without the extra."""
    match on:
        case "local":
            return LOCAL
        case "ray":
            from cwm_agent.cluster.connect import import_ray
            from cwm_agent.cluster.grading import ray_backend

            import_ray()
            return ray_backend(settings)
    raise UsageError(f"--on {on}: patches are graded on local (this machine) or on ray (a cluster)")


def _exit_code(report: Report) -> ExitCode:
    if report.outcomes.get("infrastructure"):
        return ExitCode.ENVIRONMENT
    return ExitCode.UNRESOLVED if report.control_failed else ExitCode.SUCCESS


def _say(line: str) -> None:
    print(clean_line(line), file=sys.stderr, flush=True)
