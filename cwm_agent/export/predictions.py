"""`all_preds.jsonl`: one prediction a line, as the swebench package and its leaderboard read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cwm_agent.errors import UsageError
from results.files import write_atomically
from results.predictions import Prediction

PREDICTIONS = "all_preds.jsonl"


def one_sample(predictions: Sequence[Prediction], sample: int | None) -> list[Prediction]:
    """One prediction an instance; raises UsageError where it is not said which sample is meant."""
    samples = sorted({prediction.sample for prediction in predictions})
    if sample is None and len(samples) > 1:
        raise UsageError(
            f"there are {len(samples)} samples of an instance, and one prediction each can be "
            "exported: choose with --sample"
        )
    chosen = [
        found for found in predictions if found.sample == (samples[0] if sample is None else sample)
    ]
    if not chosen:
        raise UsageError(f"there is no sample {sample}; there are {', '.join(map(str, samples))}")
    return sorted(chosen, key=lambda prediction: prediction.instance)


def write_predictions(predictions: Sequence[Prediction], folder: Path) -> Path:
    """Write the file and return its path; raises RunFolderError."""
    path = folder / PREDICTIONS
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(prediction.row()) + "\n" for prediction in predictions)
    write_atomically(path, lines.encode("ascii"))
    return path
