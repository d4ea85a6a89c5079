"""The best of what was tried, and tuning.toml with its rows. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_LEAST_GAIN = 0.02  # less is noise

Event = Mapping[str, Any]


def best_of(tried: Sequence[Event]) -> dict[str, Any]:
    """The row whose times are least, as a mean of shares of the current row's, which came first.

    "after" is the current row where no other gains 2 percent.
    """
    current = tried[0]

    def share(event: Event) -> float:
        parts = [event["seconds"][name] / base for name, base in current["seconds"].items()]
        return float(sum(parts) / len(parts))

    best = min(tried, key=share)
    if share(best) > 1 - _LEAST_GAIN:
        best = current
    return {
        "section": current["section"],
        "tried": len(tried),
        "before": current["row"],
        "after": best["row"],
        "time_share": round(share(best), 4),
        "seconds_before": current["seconds"],
        "seconds_after": best["seconds"],
    }


def with_rows(text: str, tuning: Mapping[str, Mapping[str, Any]], source: str) -> str:
    """tuning.toml with the rows that the search found better; `source` says of which run.

    Rows of the same section and kernel are replaced.
    """
    blocks = _blocks(text)
    for kernel, found in tuning.items():
        if found["after"] == found["before"]:
            continue
        header = f'["{found["section"]}".{kernel}]'
        lines = [f"{name} = {value}" for name, value in found["after"].items()]
        remark = f"# {found['time_share']:.0%} of the time before: {source}"
        blocks[header] = "\n".join([f"{header}  {remark}", *lines]) + "\n\n"
    return "".join(blocks.values()).rstrip() + "\n"


def _blocks(text: str) -> dict[str, str]:
    """The file in pieces by header, what comes before the first one under an empty name."""
    blocks: dict[str, str] = {"": ""}
    header = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            header = line[: line.index("]") + 1]
            blocks[header] = ""
        blocks[header] += line
    if not blocks[header].endswith("\n\n"):
        blocks[header] += "\n"
    return blocks
