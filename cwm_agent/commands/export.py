"""The command `export`: finds what belongs to a run and writes it in another format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.scaling.chosen import chosen_samples
from cwm_agent.scoring.leaderboard import Entry, Submission
from cwm_agent.scoring.predictions import by_sample, one_sample, write_predictions
from cwm_agent.scoring.predictions_source import source_of_run
from cwm_agent.scoring.submission import write_submission
from results.predictions import Prediction
from results.reports.report import read_report
from results.store import Run


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """The options of `cwm-agent export`; `scored` is the folder of a report elsewhere."""

    format: str
    out: Path | None
    sample: int | None
    scored: Path | None
    best: bool = False


def export(run: Run, request: ExportRequest, entry: Entry) -> list[Path]:
    """Write it and return where it is; raises UsageError or the like."""
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
        raise UsageError(f"unknown format {request.format!r}; use preds or leaderboard")
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
