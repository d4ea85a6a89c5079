"""Outcomes that others published: a CSV of verdicts, and one of what their selector picked."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from cwm_agent.errors import UsageError
from cwm_agent.scaling.study.curves import oracle_curve
from cwm_agent.scaling.study.gap import Gap, Outcome, gap
from cwm_agent.wording import counted

INSTANCE = "instance_id"
SELECTED = "selector_resolved"


@dataclass(frozen=True, slots=True)
class Published:
    """Verdicts of k samples of each issue, and a selector's."""

    outcomes: tuple[Outcome, ...]
    gap: Gap
    oracle: dict[int, float]
    name: str

    def to_json(self) -> dict[str, Any]:
        """The same keys as a study's."""
        closed = (self.gap.closed, self.gap.low, self.gap.high)
        share, low, high = (None if x is None else round(x, 4) for x in closed)
        return {
            "issues": len(self.outcomes),
            "marginal": sum(outcome.marginal for outcome in self.outcomes),
            "single": round(fmean(outcome.single for outcome in self.outcomes), 6),
            "pass_k": round(fmean(outcome.right > 0 for outcome in self.outcomes), 6),
            "k": max(outcome.judged for outcome in self.outcomes),
            "recipes": {
                self.name: {
                    "selected": round(self.gap.selected, 6),
                    "gap_closed": share,
                    "interval": [low, high],
                }
            },
            "ties_share": None,
            "ece": None,
        }


def read_published(verdicts: Path, selected: Path, column: str = SELECTED) -> Published:
    """Two CSV files with a line an issue, joined by `instance_id`.

    Of `verdicts` every column that holds only 0 and 1 is a sample; `column` of `selected`
    says whether the selected patch was right. An issue that `selected` lacks counts as
    not solved. Raises UsageError for files of another shape.
    """
    rows = _rows(verdicts)
    samples = [
        name
        for name in rows[0]
        if name not in (INSTANCE, column) and all(row[name] in ("0", "1") for row in rows)
    ]
    picked = {row[INSTANCE]: row.get(column) for row in _rows(selected)}
    if not samples or not set(picked.values()) <= {"0", "1"}:
        raise UsageError(
            f"{verdicts} needs columns of 0 and 1, one a sample, and {selected} a column "
            f"'{column}' of 0 and 1; name another one with --column"
        )
    outcomes = tuple(
        Outcome(
            sum(row[name] == "1" for name in samples),
            len(samples),
            float(picked.get(row[INSTANCE]) == "1"),
        )
        for row in rows
    )
    curve = oracle_curve([(outcome.right, outcome.judged) for outcome in outcomes])
    return Published(outcomes, gap(outcomes), curve, column)


def published_lines(published: Published) -> list[str]:
    """For people: counts, shares, the share of the lead that was kept, the oracle by k."""
    found, n = published.to_json(), len(published.outcomes)
    kept = published.gap
    lines = [
        f"{counted(n, 'issue')}, {found['marginal']} of them marginal, k = {found['k']}",
        f"single    {n * found['single']:6.1f}  {found['single']:6.1%}",
        f"selected  {n * kept.selected:6.1f}  {kept.selected:6.1%}",
        f"oracle    {n * found['pass_k']:6.1f}  {found['pass_k']:6.1%}",
    ]
    if kept.closed is not None and kept.low is not None and kept.high is not None:
        lines.append(
            f"gap closed {kept.closed:.1%} [{kept.low:.1%}, {kept.high:.1%}], "
            f"95 % by a bootstrap over issues"
        )
    lines.append(
        "oracle by k: " + ", ".join(f"{k}: {n * p:.1f}" for k, p in published.oracle.items())
    )
    return lines


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    if not rows or INSTANCE not in rows[0] or any(None in row.values() for row in rows):
        raise UsageError(f"{path} is no CSV file with a column '{INSTANCE}' and a line an issue")
    return rows
