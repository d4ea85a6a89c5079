"""The command `export`: finds what belongs to a run and writes it in another format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.scaling.chosen import chosen_samples
from cwm_agent.scoring.leaderboard import Entry, Submission
from cwm_agent.scoring.predictions import by_sample, one_sample, write_predictions
from cwm_agent.scoring.predictions_source import source_of_run
from cwm_agent.scoring.submission import write_submission
from cwm_agent.view.exports.formats import FORMATS, file_name, write_export
from cwm_agent.view.sources.row import Row, with_siblings
from cwm_agent.view.sources.runs import RunSource
from cwm_agent.view.sources.source import Source
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.predictions import Prediction
from results.reports.report import read_report
from results.store import Run

ATTEMPTS = ", ".join([*FORMATS, "svg"])
"""Formats of single attempts, whoever recorded them."""


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The options of `cwm-agent export`; `scored` is the folder of a report elsewhere."""

    format: str
    out: Path | None
    sample: int | None
    scored: Path | None
    best: bool = False
    instance: str | None = None


def export(run: Run, request: ExportRequest, entry: Entry) -> list[Path]:
    """Write it and return where it is; raises UsageError or the like."""
    if request.instance is not None:
        raise UsageError(f"--instance is for single attempts: {ATTEMPTS}")
    source = source_of_run(run, request.scored)
    predictions: Sequence[Prediction] = source.predictions
    if request.best:
        predictions = _chosen(run, request, predictions)
    if request.format == "preds":
        wanted = predictions
        if request.sample is not None:
            wanted = one_sample(wanted, request.sample)
        folder = request.out or run.folder
        if request.best:
            return [write_predictions(wanted, folder)]
        return [write_predictions(found, folder, n) for n, found in by_sample(wanted).items()]
    if request.format != "leaderboard":
        raise UsageError(f"unknown format {request.format!r}; use preds, leaderboard, {ATTEMPTS}")
    predictions = predictions if request.best else one_sample(predictions, request.sample)
    network, hosts = _reach(run)
    submission = Submission(
        entry=entry,
        report=read_report(source.reports),
        predictions=predictions,
        attempts={
            found.instance: run.attempt(found.instance, found.sample) for found in predictions
        },
        scores=source.scores,
        network=network,
        hosts=hosts,
    )
    return [write_submission(submission, request.out or Path("submission"))]


def export_attempts(source: Source, request: ExportRequest) -> Iterator[Path]:
    """Write each attempt that fits in a file of its own; raises UsageError where none does."""
    if request.best and not isinstance(source, RunSource):
        raise UsageError("--best needs one run, in which samples were chosen")
    chosen = chosen_samples(source.run) if request.best and isinstance(source, RunSource) else None
    rows = [
        row
        for row in with_siblings(source.rows())
        if request.instance in (None, row.instance)
        and request.sample in (None, row.sample)
        and (chosen is None or chosen.get(row.instance) == row.sample)
    ]
    if not rows:
        raise UsageError(f"{source.name} has no such attempt")
    several = len({row.run for row in rows}) > 1
    for row in rows:
        folder = (request.out or Path("export")) / (row.run if several else "")
        known = source.open(row).trajectory()
        yield (
            _picture(source, row, known, folder)
            if request.format == "svg"
            else write_export(request.format, known, folder)
        )


def _picture(source: Source, row: Row, known: Trajectory, folder: Path) -> Path:
    """The viewer's screen with that attempt."""
    from cwm_agent.view.app.app import ViewerApp
    from cwm_agent.view.app.glyphs import UNICODE
    from cwm_agent.view.app.picture import picture
    from cwm_agent.view.app.session import Session

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(known, ".svg")
    drawn = picture(ViewerApp(Session(source, UNICODE)), row.key, ("enter",))
    path.write_text(drawn, encoding="utf-8")
    return path


def _chosen(
    run: Run, request: ExportRequest, predictions: Sequence[Prediction]
) -> Sequence[Prediction]:
    """The prediction of each issue that was chosen; raises UsageError."""
    if request.sample is not None:
        raise UsageError("give --best or --sample, not both")
    chosen = chosen_samples(run)
    return [one for one in predictions if chosen.get(one.instance) == one.sample]


def _reach(run: Run) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the run's commands had the network (None: not recorded), and the hosts without."""
    settings = run.info().settings
    network, hosts = settings.get("sandbox.network"), settings.get("sandbox.allow_hosts")
    listed = hosts.value if hosts is not None and isinstance(hosts.value, (list, tuple)) else ()
    return (bool(network.value) if network is not None else None), tuple(map(str, listed))
