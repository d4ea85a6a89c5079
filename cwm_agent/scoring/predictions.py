"""`all_preds.jsonl`: one prediction a line, as the swebench package and its leaderboard read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cwm_agent.errors import UsageError
from results.files import write_atomically
from results.predictions import Prediction
from results.store import of_sample

PREDICTIONS = "all_preds.jsonl"


def by_sample(predictions: Sequence[Prediction]) -> dict[int, list[Prediction]]:
    """The predictions of each sample, in the order of their instances."""
    found: dict[int, list[Prediction]] = {}
    for prediction in sorted(predictions, key=lambda item: (item.sample, item.instance)):
        found.setdefault(prediction.sample, []).append(prediction)
    return found


def one_sample(predictions: Sequence[Prediction], sample: int | None) -> list[Prediction]:
    """One prediction an instance; raises UsageError where it is not said which sample is meant."""
    samples = by_sample(predictions)
    if sample is None and len(samples) > 1:
        raise UsageError(
            f"there are {len(samples)} samples of an instance, and one prediction each can be "
            "submitted: choose with --sample"
        )
    chosen = samples.get(min(samples) if sample is None else sample)
    if not chosen:
        raise UsageError(f"there is no sample {sample}; the run has {', '.join(map(str, samples))}")
    return chosen


def write_predictions(predictions: Sequence[Prediction], folder: Path, sample: int = 0) -> Path:
    """Write the file of one sample and return its path; raises RunFolderError."""
    path = folder / of_sample(PREDICTIONS, sample)
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(prediction.row()) + "\n" for prediction in predictions)
    write_atomically(path, lines.encode("ascii"))
    return path
