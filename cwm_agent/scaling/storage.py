"""Evidence tables on disk: one JSON file an issue, `<run>/<instance>/evidence.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cwm_agent.scaling.labels import LABELS_FILE, Labels, load_labels
from cwm_agent.scaling.table import VERSION, Table
from results.codec import decode, parse_json
from results.errors import RecordError, RunFolderError, RunNotFoundError
from results.files import write_record
from results.store import folder_name

EVIDENCE_FILE = "evidence.json"


def table_path(run: Path, instance: str) -> Path:
    """Where the table of an issue stands in a run's folder."""
    return run / folder_name(instance) / EVIDENCE_FILE


def save_table(path: Path, table: Table) -> None:
    """Write it atomically; raises RunFolderError, also for a table that contradicts itself."""
    if problems := table.problems():
        raise RunFolderError(f"will not write {path}: {problems[0]}; mend what built the table")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_record(path, table)


def load_table(path: Path) -> Table:
    """The table in a file.

    Raises RunNotFoundError without that file, RunFolderError where it is damaged or of a
    version that this one does not read.
    """
    try:
        value = parse_json(path.read_bytes())
    except FileNotFoundError as error:
        raise RunNotFoundError(
            f"there is no evidence table {path}; build it with `cwm-agent evidence`"
        ) from error
    except OSError as error:
        raise RunFolderError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise RunFolderError(f"{path} is damaged: {error}; restore or rebuild it") from error
    version = value.get("version") if isinstance(value, dict) else None
    if version != VERSION:
        raise RunFolderError(
            f"{path} is an evidence table of version {version!r}, this program reads {VERSION}; "
            "use the program that wrote it, or build the evidence again"
        )
    try:
        table = decode(Table, value)
    except RecordError as error:
        raise RunFolderError(f"{path} is damaged: {error}; restore or rebuild it") from error
    if problems := table.problems():
        raise RunFolderError(f"{path} is damaged: {problems[0]}; restore or rebuild it")
    return table


def table_files(place: Path) -> list[Path]:
    """The tables of a place: a file itself, or those in the folder of a run or of an issue."""
    if place.is_file():
        return [place]
    return sorted({*place.glob(EVIDENCE_FILE), *place.glob(f"*/{EVIDENCE_FILE}")})


def load_tables(place: Path) -> Iterator[Table]:
    """The tables of a place; raises RunNotFoundError where there is none."""
    files = table_files(place)
    if not files:
        raise RunNotFoundError(
            f"{place} has no evidence table; build some with `cwm-agent evidence {place}`"
        )
    yield from map(load_table, files)


def labels_beside(path: Path) -> Labels | None:
    """The labels that stand beside a table, None where nothing was judged."""
    return load_labels(path.parent / LABELS_FILE)
