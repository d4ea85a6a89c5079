"""Predictions as SWE-bench exchanges them: rows of instance_id, model_name_or_path, model_patch.

Read from a .jsonl file (a row a line), from a .json file (a list, or a table of
rows by instance as mini-swe-agent writes preds.json), or from a run folder.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from results.errors import PredictionError
from results.json_rows import rows_of_document, rows_of_lines
from results.store import Run


@dataclass(frozen=True, slots=True)
class Prediction:
    """One patch for one instance; `sample` counts the predictions of an instance from 0."""

    instance: str
    patch: str
    model: str
    sample: int = 0

    def row(self) -> dict[str, str]:
        """The row that the swebench package reads."""
        return {
            "instance_id": self.instance,
            "model_name_or_path": self.model,
            "model_patch": self.patch,
        }


def digest(patch: str) -> str:
    """What a patch is known by: the SHA-256 of its bytes, or of a text that has none."""
    try:
        data = patch.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # JSON may hold half a pair of surrogates
        data = patch.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest()


def read_predictions(path: Path) -> tuple[Prediction, ...]:
    """The predictions of a .json or .jsonl file; raises PredictionError.

    Several rows of one instance are its samples, in their order.
    """
    read = rows_of_lines if path.suffix == ".jsonl" else rows_of_document
    try:
        rows = read(path.read_bytes(), errors="surrogateescape")
    except OSError as error:
        raise PredictionError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise PredictionError(f"{path} holds no predictions: {error}") from error
    if rows is None:
        raise PredictionError(f"{path} must hold a list of predictions, or a table by instance")
    return number(_read(row.value, f"{path}, {row.place}") for row in rows)


def doubts(predictions: Iterable[Prediction], *, of_file: bool) -> list[str]:
    """What makes one figure over these predictions doubtful, in words for a person.

    In a file several predictions of an instance may be a mistake; in a run they are its samples.
    """
    found, said = list(predictions), []
    models = Counter(prediction.model for prediction in found)
    if len(models) > 1:
        listed = ", ".join(f"{count} of {model}" for model, count in models.most_common())
        said.append(f"warning: the predictions are of {len(models)} models ({listed})")
    counts = Counter(prediction.instance for prediction in found)
    if of_file and (several := [name for name, count in counts.items() if count > 1]):
        listed = ", ".join(several[:3]) + (", ..." if len(several) > 3 else "")
        said.append(
            f"warning: {len(several)} instances have several predictions ({listed}): each is "
            "graded as a sample, and the headline counts the last, as the official command "
            "line does"
        )
    return said


def predictions_of_run(run: Run, model: str) -> tuple[Prediction, ...]:
    """What the finished attempts of a run submitted."""
    return tuple(
        Prediction(result.instance, result.patch, model, attempt.sample)
        for attempt in run.attempts()
        if (result := attempt.result()) is not None
    )


def number(predictions: Iterable[Prediction]) -> tuple[Prediction, ...]:
    """Count the predictions of each instance from 0."""
    seen: Counter[str] = Counter()
    numbered = []
    for found in predictions:
        numbered.append(Prediction(found.instance, found.patch, found.model, seen[found.instance]))
        seen[found.instance] += 1
    return tuple(numbered)


def _read(row: object, where: str) -> Prediction:
    if not isinstance(row, dict):
        raise PredictionError(f"{where} is not an object with instance_id and model_patch")
    if missing := {"instance_id", "model_patch"} - row.keys():
        raise PredictionError(f"{where} lacks {', '.join(sorted(missing))}")
    patch = row["model_patch"] or ""  # None is what some harnesses write for no patch
    model = row.get("model_name_or_path") or "unknown"
    values = (row["instance_id"], patch, model)
    if not all(isinstance(value, str) for value in values):
        raise PredictionError(f"{where}: instance_id, model_patch and model must be strings")
    return Prediction(*values)
