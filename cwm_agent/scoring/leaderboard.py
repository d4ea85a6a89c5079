"""What is handed in to the SWE-bench leaderboard."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from results.predictions import Prediction
from results.reports.report import Line, Report
from results.store import Attempt


@dataclass(frozen=True, slots=True)
class Submission:
    """Everything that goes into it. `scores` is the folder that the logs in `report` start from.

    `network` says whether the model's commands had one, None where it is not
    known; `hosts` are those that they reached without.
    """

    entry: Entry
    report: Report
    predictions: Sequence[Prediction]
    attempts: dict[str, Attempt]
    scores: Path
    network: bool | None = None
    hosts: tuple[str, ...] = ()

    @property
    def split(self) -> str | None:
        """Where it belongs, from the data set's name unless it was said."""
        return self.entry.split or self.of_dataset

    @property
    def of_dataset(self) -> str | None:
        """The split that the graded data set is."""
        return SPLITS.get(self.report.suite.partition("@")[0])

    def lines(self) -> dict[str, Line]:
        """The graded lines of the predictions by instance."""
        wanted = {(found.instance, found.sample) for found in self.predictions}
        lines = self.report.lines
        return {line.instance: line for line in lines if (line.instance, line.sample) in wanted}


SPLITS = {
    "SWE-bench/SWE-bench_Verified": "verified",
    "SWE-bench/SWE-bench_Lite": "lite",
    "SWE-bench/SWE-bench": "test",
    "SWE-bench/SWE-bench_Multilingual": "multilingual",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the submitter says.

    `date` is YYYYMMDD, `attempts` what was needed for a prediction. `web_steps`
    is what kept a system with a network from looking solutions up.
    """

    name: str
    site: str
    report: str
    date: str
    split: str | None = None
    authors: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    open_model: bool = True
    open_system: bool = True
    attempts: Literal["1", "2+"] = "1"
    web_steps: str = ""

    @property
    def folder(self) -> str:
        """The name of the submission's folder."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.").lower()
        return f"{self.date}_{plain}"
