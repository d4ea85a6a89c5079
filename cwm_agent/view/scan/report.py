"""Findings over many attempts, as JSON and as lines."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cwm_agent.view.sanitize import clean_line
from cwm_agent.view.scan.finding import Finding
from cwm_agent.view.scan.scanners import SCANNERS, scan
from cwm_agent.view.sources.row import Row
from cwm_agent.view.sources.source import Source


def scan_rows(source: Source, rows: Iterable[Row]) -> Iterator[Finding]:
    """Findings about these attempts, one attempt in memory at a time."""
    for row in rows:
        for found in scan(source.open(row).trajectory()):
            yield dataclasses.replace(found, instance=row.instance, sample=row.sample)


def as_json(found: Sequence[Finding]) -> list[dict[str, Any]]:
    """A list of `scanner`, `instance`, `sample`, `turns`, `says`."""
    return [dataclasses.asdict(finding) | {"turns": list(finding.turns)} for finding in found]


def as_lines(found: Sequence[Finding], attempts: int) -> list[str]:
    """A line for each finding, then how many attempts each scanner names."""
    lines = [
        clean_line(
            f"{finding.scanner:<24} {finding.instance} #{finding.sample}  "
            f"turns {', '.join(map(str, finding.turns)) or '-'}: {finding.says}"
        )
        for finding in found
    ]
    counts = Counter(finding.scanner for finding in found)
    lines += [f"{name}: {counts[name]} of {attempts} attempts" for name in SCANNERS]
    return lines
