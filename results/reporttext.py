"""A report as Markdown: what a person reads first, then what stands behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from results.metrics import Share
from results.report import Line, Report
from results.store import UNFINISHED

OUTCOMES = {
    "resolved": "resolved",
    "unresolved": "tests fail",
    "empty": "no patch",
    "not_applied": "patch does not apply",
    "timeout": "tests took too long",
    "infrastructure": "could not be graded",
}


def as_markdown(report: Report) -> str:
    """The text of `report.md`."""
    parts = [
        f"# {_cell(report.name)}",
        _headline(report),
        _warnings(report),
        _pass_at(report),
        _shares("By repository", report.repositories),
        _shares("By difficulty", report.difficulties),
        _table("Outcomes", ("outcome", "predictions"), report.outcomes.items(), OUTCOMES),
        _table("Why attempts ended", ("reason", "attempts"), report.exit_reasons.items(), {}),
        _usage(report),
        _lines(report.lines, cost=report.cost is not None),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def percent(found: Share) -> str:
    """Such as `53.8 % [49.4, 58.1]`."""
    return f"{found.value:.1%} [{100 * found.low:.1f}, {100 * found.high:.1f}]".replace("%", " %")


def _headline(report: Report) -> str:
    resolved = report.resolved
    lines = [
        f"**{resolved.count} of {resolved.n} resolved: {percent(resolved)}** "
        "(95 % Wilson interval; first sample of each instance)",
        f"- suite {_cell(report.suite)}, {report.instances} of {report.suite_size} instances",
        f"- judged by {_cell(report.grader)}; {report.predictions} predictions"
        + (f" of {', '.join(map(_cell, report.models))}" if report.models else ""),
    ]
    if report.modes:
        lines.append(f"- mode {', '.join(map(_cell, report.modes))}")
    if report.stripped:
        lines.append("- test, configuration, binary and scratch files were left out of every patch")
    if report.instances < report.suite_size:
        whole = report.of_suite
        lines.append(f"- of the whole suite: {whole.count} of {whole.n}, {percent(whole)}")
    if cost := report.cost:
        lines.append(
            f"- cost {cost.total:,.4f} {_cell(cost.currency)}, {cost.per_instance:,.4f} for an "
            f"instance with all its samples ({_cell(cost.basis)})"
        )
    return "\n".join([lines[0], "", *lines[1:]])


def _warnings(report: Report) -> str:
    found = []
    if failed := [line for line in report.lines if line.outcome == "infrastructure"]:
        found.append(
            f"{len(failed)} predictions could not be graded and count as not resolved; run the "
            f"same command again. Without them: {percent(report.graded)}"
        )
    if broken := [line for line in report.lines if line.exit_reason in UNFINISHED]:
        found.append(
            f"{len(broken)} attempts were broken off, not ended by the model, and count with what "
            "they had: resume the run, then score it again"
        )
    if carried := [line for line in report.lines if line.resolved and line.carried]:
        what = "were left out" if report.stripped else "were scored, too"
        found.append(
            f"{len(carried)} resolved patches carry test, configuration, binary or scratch files, "
            f"which {what} (marked * below)"
        )
    return "\n".join(f"> {text}" for text in found)


def _pass_at(report: Report) -> str:
    if len(report.pass_at) < 2:
        return ""
    rows = ((k, f"{value:.1%}".replace("%", " %")) for k, value in report.pass_at.items())
    return _table("pass@k", ("k", "resolved by one of k samples (unbiased)"), rows, {})


def _shares(title: str, shares: Mapping[str, Share]) -> str:
    if len(shares) < 2:
        return ""
    rows = [(name, f"{found.count} of {found.n}", percent(found)) for name, found in shares.items()]
    return _table(title, ("", "resolved", "95 %"), rows, {})


def _usage(report: Report) -> str:
    rows = []
    for name, use in report.usage.items():
        figures = (f"{use.mean:,.1f}", f"{use.median:,.1f}", f"{use.total:,.0f}")
        if name == "cost":
            figures = (f"{use.mean:,.4f}", f"{use.median:,.4f}", f"{use.total:,.4f}")
        rows.append((name.replace("_", " "), *figures))
    return _table("Of one attempt", ("", "mean", "median", "all"), rows, {})


def _lines(lines: Iterable[Line], *, cost: bool) -> str:
    rows = [
        (
            f"{line.instance} #{line.sample}" + ("*" if line.carried else ""),
            OUTCOMES[line.outcome],
            _tests(line),
            "-" if line.similarity is None else f"{line.similarity:.2f}",
            line.exit_reason or "-",
            f"{line.prompt_tokens + line.completion_tokens:,}" if line.exit_reason else "-",
            f"{line.seconds:.0f}" if line.exit_reason else "-",
            *((["-"] if line.cost is None else [f"{line.cost:,.4f}"]) if cost else []),
            line.detail[:120],
        )
        for line in lines
    ]
    header = (
        *("prediction", "outcome", "tests", "like gold", "ended", "tokens", "s"),
        *(["cost"] if cost else []),
        "",
    )
    return _table("Predictions", header, rows, {})


def _tests(line: Line) -> str:
    fail, keep = line.fail_to_pass, line.pass_to_pass
    if not fail and not keep:
        return "-"
    return f"{sum(fail.values())}/{len(fail)} fixed, {sum(keep.values())}/{len(keep)} kept"


def _table(
    title: str,
    header: tuple[str, ...],
    rows: Iterable[tuple[object, ...]],
    names: Mapping[str, str],
) -> str:
    listed = [[_cell(names.get(str(cell), str(cell))) for cell in row] for row in rows]
    if not listed:
        return ""
    lines = [list(header), ["---"] * len(header), *listed]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    """One line that cannot end a cell or a heading."""
    return " ".join(text.split()).replace("|", "\\|")
