"""Programs to predict: from a file of rows, or rows of CruxEval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cwm_agent.debug.core.verify import call_arguments
from cwm_agent.debug.evaluate.figures import Item
from cwm_agent.debug.legal.program import MARK, Program
from cwm_agent.debug.record.recording import Recorder, RecordError, request_of
from cwm_agent.errors import UsageError
from cwm_agent.tasks.datasets import pinned_revision, rows_of_file, rows_of_hub
from envs.progress import Say

CRUXEVAL = "cruxeval-org/cruxeval"
"""The dataset's name on the Hugging Face hub; columns code, input, output, id."""


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Rows of a .jsonl, .json or .parquet file: a marked `source`, or `code` and `input`.

    Raises UsageError.
    """
    rows = rows_of_file(path)
    for row in rows:
        if not ("source" in row.value or {"code", "input"} <= set(row.value)):
            raise UsageError(f"{path}, {row.place} has neither `source` nor `code` and `input`")
    return [dict(row.value) for row in rows]


def cruxeval_rows(pins: Path) -> list[dict[str, Any]]:
    """All 800 rows, at the revision of the first use, kept in `pins`; raises NotReadyError."""
    return [dict(row) for row in rows_of_hub(CRUXEVAL, pinned_revision(CRUXEVAL, pins), "test")]


def source_of(row: dict[str, Any]) -> str:
    """A marked source: a CruxEval row becomes a `main` that returns `f(input)`."""
    if "source" in row:
        return str(row["source"])
    return f"{row['code'].rstrip()}\n\ndef main(): # {MARK}\n    return f({row['input']})\n"


def record_items(
    rows: Iterable[dict[str, Any]],
    recorder: Recorder,
    *,
    comprehensions: bool,
    progress: Say,
    most: int = 500,
) -> Iterator[Item]:
    """The rows with their real frames; those that cannot be run are said and left out."""
    for number, row in enumerate(rows):
        name = str(row.get("id", number))
        try:
            program = Program.read(source_of(row), comprehensions=comprehensions)
            arguments = call_arguments(program, {}) if not program.parameters else ""
            recording = recorder(request_of(program, arguments, most=most))
        except (RecordError, UsageError) as error:
            progress(f"{name} is left out: {error}")
            continue
        if not recording.frames:
            needs = f"it needs {', '.join(program.parameters)}; " if program.parameters else ""
            progress(
                f"{name} is left out: its entry did not begin; {needs}mark a function that "
                "can be called without arguments"
            )
            continue
        yield Item(name, program, recording.frames, recording.cut, recording.raised)
