"""From what a user names to a source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.view.foreign.read import KNOWN
from cwm_agent.view.sources.files import FileSource, trajectory_files
from cwm_agent.view.sources.predictions import PredictionSource, is_predictions, read_verdicts
from cwm_agent.view.sources.runs import RunSource
from cwm_agent.view.sources.source import Several, Source
from results.errors import RunNotFoundError
from results.store import Store


def source_of(store: Store, names: Sequence[str], report: Path | None = None) -> Source:
    """The newest run, or what `names` name: runs, run folders, folders of runs, foreign files.

    `report` has verdicts for foreign files. Raises UsageError, RunNotFoundError.
    """
    verdicts = read_verdicts(report) if report else {}
    if not names:
        return RunSource(store.newest())
    parts: list[Source] = []
    for name in names:
        for part in _sources(store, name, verdicts):
            if part.name not in {known.name for known in parts}:
                parts.append(part)
    return parts[0] if len(parts) == 1 else Several(tuple(parts))


def _sources(store: Store, name: str, verdicts: dict[str, bool]) -> list[Source]:
    try:
        return [RunSource(store.open(name))]
    except RunNotFoundError:
        path = Path(name)
        if not path.exists():
            raise
    if path.is_dir() and (runs := Store(path).runs()):
        return [RunSource(run) for run in runs]
    if path.is_file() and is_predictions(path):
        return [PredictionSource(path, verdicts)]
    if trajectory_files(path):
        return [FileSource(path, verdicts)]
    raise UsageError(f"{name} is no run and holds no trajectories; known are {KNOWN}")
