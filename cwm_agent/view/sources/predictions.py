"""A file of predictions as a source, and the verdicts of a report over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cwm_agent.errors import UsageError
from cwm_agent.view.foreign.values import table
from cwm_agent.view.sources.files import row_of
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.source import Finished
from cwm_agent.view.trajectory.trajectory import Outcome, Trajectory
from results.codec import parse_json
from results.errors import PredictionError
from results.predictions import Prediction, read_predictions

_RESOLVED = ("resolved_ids", "resolved")
_UNRESOLVED = ("unresolved_ids", "error_ids", "empty_patch_ids", "applied_but_unresolved")


def read_verdicts(path: Path) -> dict[str, bool]:
    """Instance -> resolved, from the official report (`resolved_ids`), per-instance reports
    (`{"ID": {"resolved": true}}`) or ours (`report.json`); raises UsageError.
    """
    try:
        document = parse_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    found = _verdicts(table(document))
    if not found:
        raise UsageError(
            f"{path} names no verdicts; give a report of the swebench package "
            "(resolved_ids, unresolved_ids) or a report.json of `cwm-agent score`"
        )
    return found


def _verdicts(document: dict[str, Any]) -> dict[str, bool]:
    verdicts: dict[str, bool] = {}
    for keys, value in ((_UNRESOLVED, False), (_RESOLVED, True)):
        for key in keys:
            if isinstance(document.get(key), list):
                verdicts |= dict.fromkeys(map(str, document[key]), value)
    for line in document.get("lines", []) if isinstance(document.get("lines"), list) else []:
        if isinstance(line, dict) and line.get("outcome") != "infrastructure":
            verdicts.setdefault(str(line.get("instance")), line.get("outcome") == "resolved")
    for name, row in document.items():
        if isinstance(row, dict) and isinstance(row.get("resolved"), bool):
            verdicts[name] = row["resolved"]
    return verdicts


def is_predictions(path: Path) -> bool:
    """Whether a file holds predictions."""
    if path.suffix not in (".json", ".jsonl") or not path.is_file():
        return False
    try:
        return bool(read_predictions(path))
    except PredictionError:
        return False


@dataclass(frozen=True, slots=True)
class PredictionSource:
    """Patches without the way to them."""

    path: Path
    verdicts: Mapping[str, bool] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's."""
        return self.path.name

    def quick(self) -> list[Row]:
        """All of them: the file is small."""
        return list(self.rows())

    def rows(self) -> Iterator[Row]:
        """One for each prediction."""
        for place, prediction in enumerate(read_predictions(self.path)):
            found = self._trajectory(prediction)
            yield row_of(found, self.name, self.path, place, prediction.sample)

    def open(self, row: Row, most: int | None = None) -> Finished:
        """The patch of one row."""
        del most
        return Finished(self._trajectory(read_predictions(self.path)[row.place]))

    def _trajectory(self, prediction: Prediction) -> Trajectory:
        return Trajectory(
            prediction.instance,
            prediction.sample,
            format="predictions",
            policy=prediction.model,
            outcome=Outcome(
                exit="" if prediction.patch else "empty patch",
                over=True,
                resolved=self.verdicts.get(prediction.instance),
                patch=prediction.patch,
                graded=bool(self.verdicts),
            ),
            facts={"model": prediction.model, "file": str(self.path)},
        )
