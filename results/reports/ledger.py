"""The ledger of validity as Markdown."""

from __future__ import annotations

from collections.abc import Callable

from results.reports.metrics import Share
from results.reports.validity import Validity


def ledger(found: Validity, percent: Callable[[Share], str]) -> str:
    """The section of `report.md`; `percent` writes a share with its interval."""
    rows = [
        f"| {part.why} | {len(part.instances)} | {part.resolved.count} of {part.resolved.n} "
        f"| {percent(part.resolved)} |"
        for part in found.without
    ]
    lines = [
        "## Validity",
        "",
        f"Flawed instances are those of {_line(found.flawed)}.",
        "",
        "| without instances | here | resolved | 95 % |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
        f"- graded more than once: {found.regraded} instances; verdict not always the same: "
        f"{', '.join(map(_line, found.flipped)) or 'none'}"
        + ("" if found.regraded else " (`--again N` grades again)"),
    ]
    for what, counts in (("attempts", found.places), ("gradings", found.graders)):
        lines += [f"- {number} {what} had {_line(text)}" for text, number in counts.items()]
    if found.scanners:
        said = ", ".join(
            f"{name} {share.count} of {share.n}" for name, share in found.scanners.items()
        )
        lines.append(f"- scanners (docs/viewer.md) name of the attempts: {said}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
