"""The section of a report on several samples of each problem, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from results.reports.bootstrap import Estimate
from results.reports.report import Line
from results.reports.sampled import Sampled

ANSWERS: dict[str, str] = {
    "resolved": "right",
    "unresolved": "wrong",
    "empty": "none",
    "timeout": "too slow",
    "infrastructure": "could not be graded",
}


def sampled_headline(found: Sampled) -> list[str]:
    """The score, and what it means."""
    return [
        f"**pass@1 {found.pass_at_1}** (mean over problems of {found.samples} samples each or "
        "more; 95 % interval by a bootstrap over problems)",
        "",
        f"- with answers that break the published rule: {found.lenient}",
        f"- replies that keep the rule: {found.strict}",
        f"- tokens of a reply: {found.tokens_right:,.0f} where right, {found.tokens_wrong:,.0f} "
        f"where wrong; {100 * found.cut:.1f} % were cut at their limit",
        f"- graded in {found.cpu_seconds:,.1f} s of processor time",
    ]


def sampled_tables(found: Sampled) -> list[str]:
    """Its tables, those with a single row left out."""
    return [
        _table("pass@k", "k", found.pass_at),
        _table("cons@k", "k", found.cons_at),
        _table("By difficulty", "", found.difficulties),
        _table("By group", "", found.groups),
        _table("By date", "", found.dates),
    ]


def sampled_lines(lines: Iterable[Line]) -> str:
    """A row for each reply."""
    rows = [
        f"| {_cell(line.instance)} #{line.sample} | {ANSWERS[line.outcome]} | "
        f"{line.exit_reason or '-'} | {line.completion_tokens:,} | {line.cpu_seconds:.2f} | "
        f"{_cell(line.detail)[:120]} |"
        for line in lines
    ]
    head = (
        "| reply | answer | ended | tokens | grading, s | |\n| --- | --- | --- | --- | --- | --- |"
    )
    return "\n".join(["## Replies\n", head, *rows])


def _table(title: str, first: str, rows: Mapping[str, Estimate]) -> str:
    if len(rows) < 2:
        return ""
    lines: Iterable[str] = (f"| {_cell(name)} | {value} |" for name, value in rows.items())
    head = f"## {title}\n\n| {first} | share, 95 % |\n| --- | --- |\n"
    return head + "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
