"""How often each scanner names an attempt of a run, for its report."""

from __future__ import annotations

from collections import Counter

from cwm_agent.view.scan.report import scan_rows
from cwm_agent.view.scan.scanners import SCANNERS
from cwm_agent.view.sources.runs import RunSource
from results.reports.metrics import Share, share
from results.store import Run


def scanner_rates(run: Run) -> dict[str, Share]:
    """The share of the run's attempts that each scanner names; every scanner is there."""
    source = RunSource(run)
    rows = list(source.rows())
    counts = Counter(found.scanner for found in scan_rows(source, rows))
    return {name: share(counts[name], len(rows)) for name in SCANNERS}
