"""Tables with their labels, from a run or a folder."""

from __future__ import annotations

from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.scaling.labels import Case, Labels
from cwm_agent.scaling.storage import labels_beside, load_table, table_files
from cwm_agent.scaling.table import Table
from results.errors import RunNotFoundError
from results.files import read_record
from results.predictions import digest
from results.records import AttemptResult
from results.scores import Verdicts


def load_cases(place: Path) -> list[Case]:
    """The judged issues of a run, a folder of tables, or one table.

    The labels beside a table come first; else the official grader's scores of the run
    count, else what the run's own hidden tests said. Raises RunNotFoundError where there
    is no table, UsageError where nothing was judged.
    """
    files = table_files(place)
    if not files:
        raise RunNotFoundError(
            f"{place} has no evidence table; build some with `cwm-agent evidence {place.name}`"
        )
    verdicts = Verdicts(place / "scores")
    cases = []
    for path in files:
        table = load_table(path)
        labels = labels_beside(path) or _judged(path.parent, table, verdicts)
        if labels.right:
            cases.append((table, labels))
    if not cases:
        raise UsageError(
            f"no candidate in {place} was judged; score the run first (`cwm-agent score "
            f"{place.name}`)"
        )
    return cases


def _judged(folder: Path, table: Table, verdicts: Verdicts) -> Labels:
    """What the grader, or else the run itself, said of the candidates."""
    right = {}
    for candidate in table.candidates:
        result = read_record(AttemptResult, folder / str(candidate.sample) / "result.json")
        own = result.resolved if result is not None else None
        standing = verdicts.standing(table.instance, digest(candidate.patch), own)
        if standing in ("resolved", "unresolved"):
            right[candidate.id] = standing == "resolved"
    return Labels(table.instance, right)
