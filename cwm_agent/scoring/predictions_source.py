"""What `score` was given: a run, a file of predictions, or a control."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.batch.manifest import dataset_of
from cwm_agent.config.paths import expand
from cwm_agent.errors import UsageError
from cwm_agent.scoring.report_lines import Attempts
from cwm_agent.tasks.problems.source import is_source, read_source
from results.errors import RunNotFoundError
from results.predictions import Prediction, predictions_of_run, read_predictions
from results.reports.report import Counted
from results.store import Run, Store, model_of

SCORES = "scores"
"""The folder beside a report that holds what the grader left."""


@dataclass(frozen=True, slots=True)
class Source:
    """Predictions and where their report goes; `scores` is the folder of the score book.

    `unfinished` counts attempts without a result yet, which are not predictions.
    `dataset` is what a run says that its instances are of, "" where nothing is known.
    `run` is where the predictions come from, None for a file.
    """

    name: str
    predictions: tuple[Prediction, ...]
    reports: Path
    scores: Path
    attempts: Attempts = field(default_factory=dict)
    modes: tuple[str, ...] = ()
    unfinished: int = 0
    dataset: str = ""
    run: Run | None = None

    @property
    def counted(self) -> Counted:
        """The first sample of a run; of a file the last, as the official command line does."""
        return "last" if self.run is None else "first"

    @property
    def judged(self) -> bool:
        """Whether every attempt has a verdict of its own tests already."""
        found = self.attempts.values()
        return bool(found) and all(result.resolved is not None for result in found)

    @property
    def models(self) -> tuple[str, ...]:
        """Who predicted."""
        return tuple(sorted({prediction.model for prediction in self.predictions}))


def open_source(target: str, store: Store, out: Path | None) -> Source:
    """A run by its name or folder, else a file of predictions; raises UsageError or the like."""
    path = expand(target)
    if path.suffix in (".json", ".jsonl"):
        return source_of_file(path, out)
    try:
        return source_of_run(store.open(target), out)
    except RunNotFoundError as error:
        raise RunNotFoundError(
            f"{error}; a file of predictions ends with .json or .jsonl"
        ) from error


def source_of_file(path: Path, out: Path | None) -> Source:
    """Predictions in a file; the report goes beside it unless `out` says where."""
    folder = out or path.with_name(f"{path.stem}-scores")
    predictions = read_predictions(path)
    if not predictions:
        raise UsageError(f"{path} holds no predictions: it is empty")
    return Source(path.name, predictions, folder, folder)


def source_of_run(run: Run, out: Path | None) -> Source:
    """The finished attempts of a run; the report goes into its folder."""
    run.info()
    found = [attempt.result() for attempt in run.attempts()]
    results = [result for result in found if result is not None]
    if not results:
        raise UsageError(f"run {run.name} has no finished attempt; there is nothing to score yet")
    return Source(
        run.name,
        predictions_of_run(run, model_of(results)),
        out or run.folder,
        out / SCORES if out else run.scores,
        {(result.instance, result.sample): result for result in results},
        tuple(sorted({result.mode for result in results})),
        unfinished=len(found) - len(results),
        dataset=dataset_of(run),
        run=run,
    )


def check_dataset(dataset: str, source: Source) -> None:
    """Raise UsageError for rows of another suite than a run's, even where their ids match."""
    if source.run is None:
        return
    named, own = (
        read_source(text).suite.name if is_source(text) else ""
        for text in (dataset, source.dataset)
    )
    if named != own:
        answered = own or source.dataset or "tasks of its own"
        remedy = f", or give other rows of it by --dataset {own}:FILE" if own else ""
        raise UsageError(
            f"--dataset {dataset} has {named or 'other'} rows, but run {source.name} answered "
            f"{answered}, which other rules grade: leave out --dataset{remedy}"
        )
