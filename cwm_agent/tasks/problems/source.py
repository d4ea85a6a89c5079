"""Which rows of which suite are meant: the options of a command, and their short form in records.

livecodebench:sample
livecodebench:livecodebench/code_generation_lite@REVISION[2024-08-01..2025-05-01]
math500:/data/rows.jsonl
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cwm_agent.config.paths import expand
from cwm_agent.errors import UsageError
from cwm_agent.tasks.datasets import FORMATS
from cwm_agent.tasks.problems.suites import SUITES, ProblemSuite

SAMPLE = "sample"
_FORM = re.compile(
    rf"(?P<suite>{'|'.join(SUITES)})(:(?P<data>.+?))?"
    r"(\[(?P<begin>[\d-]*)\.\.(?P<end>[\d-]*)\])?"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """What `run SUITE` was asked for. `data` "" is the official data set; dates are ISO 8601."""

    data: str = ""
    window: str = ""
    begin: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class ProblemSource:
    """Rows of a suite: `sample`, a file, or a data set of the hub, cut by date.

    Problems held on `begin` or later and before `end` are meant; "" is no bound.
    """

    suite: ProblemSuite
    data: str
    begin: str = ""
    end: str = ""

    def __str__(self) -> str:
        """As `read_source` reads it."""
        cut = f"[{self.begin}..{self.end}]" if self.begin or self.end else ""
        return f"{self.suite.name}:{self.data}{cut}"

    @property
    def published(self) -> float | None:
        """CWM's published pass@1 in percent on these rows, None where there is none."""
        official = self.data.partition("@")[0] == self.suite.hub
        return self.suite.published.get(self.window) if official else None

    @property
    def window(self) -> str:
        """The name of the published score with these bounds, "" where there is none."""
        named = (n for n, bounds in self.suite.windows.items() if bounds == (self.begin, self.end))
        return next(named, "")


def is_source(text: str) -> bool:
    """Whether a text means rows of one of the suites."""
    return _FORM.fullmatch(text) is not None


def read_source(text: str) -> ProblemSource:
    """The rows that a text means; raises UsageError for none."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(
            f"'{text}' are no rows of {', '.join(SUITES)}; say e.g. math500, "
            "livecodebench:sample or aime24:rows.jsonl"
        )
    rows = Rows(match["data"] or "", "", match["begin"] or "", match["end"] or "")
    return chosen_source(match["suite"], rows)


def chosen_source(name: str, rows: Rows) -> ProblemSource:
    """The rows of a suite that the options mean; raises UsageError.

    The official data set of a suite with windows is cut to the last of them,
    unless other bounds are given.
    """
    suite = SUITES[name]
    begin, end = rows.begin, rows.end
    if rows.window:
        if rows.window not in suite.windows:
            known = ", ".join(suite.windows) or "none"
            raise UsageError(f"{name} has no window '{rows.window}'; there are: {known}")
        if begin or end:
            raise UsageError("give --window or --from and --to, not both")
        begin, end = suite.windows[rows.window]
    elif suite.windows and not (rows.data or begin or end):
        begin, end = list(suite.windows.values())[-1]
    for option, day in (("--from", begin), ("--to", end)):
        _check_day(option, day)
    if begin and end and begin >= end:
        raise UsageError(f"--from {begin} is not before --to {end}")
    data = rows.data or suite.hub
    if data.endswith(FORMATS):
        data = str(expand(data).absolute())
    return ProblemSource(suite, data, begin, end)


def sample_file(suite: ProblemSuite) -> Path:
    """The problems of our own that come with the package."""
    return Path(__file__).parent / "samples" / suite.sample


def _check_day(option: str, day: str) -> None:
    try:
        if day and date.fromisoformat(day).isoformat() != day:
            raise ValueError
    except ValueError as error:
        raise UsageError(f"{option} '{day}' is not a date; write e.g. 2025-01-31") from error
