"""A report as Markdown: what a person reads first, then what stands behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from results.reports.ledger import ledger
from results.reports.metrics import Share
from results.reports.report import Line, Report
from results.reports.sampled_markdown import (
    ANSWERS,
    sampled_headline,
    sampled_lines,
    sampled_tables,
)
from results.store import UNFINISHED

OUTCOMES = {
    "resolved": "resolved",
    "unresolved": "tests fail",
    "empty": "no patch",
    "not_applied": "patch does not apply",
    "timeout": "tests took too long",
    "infrastructure": "could not be graded",
}
TESTS_NAMED = 10
"""How many failing tests of one prediction are named; report.json has all."""
ID_CHARACTERS = 12


def as_markdown(report: Report) -> str:
    """The text of `report.md`."""
    parts = [
        f"# {_cell(report.name)}",
        _headline(report),
        _warnings(report),
        *_figures(report),
        _shares("By model", report.by_model),
        _table("Outcomes", ("outcome", "predictions"), report.outcomes.items(), _names(report)),
        _table("Why attempts ended", ("reason", "attempts"), report.exit_reasons.items(), {}),
        _signs(report),
        ledger(report.validity, percent) if report.validity else "",
        _usage(report),
        *_details(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _names(report: Report) -> Mapping[str, str]:
    return OUTCOMES if report.sampled is None else ANSWERS


def _details(report: Report) -> list[str]:
    if report.sampled is not None:
        return [sampled_lines(report.lines)]
    return [_lines(report.lines, cost=report.cost is not None), _failures(report)]


def _figures(report: Report) -> list[str]:
    if report.sampled is not None:
        return sampled_tables(report.sampled)
    return [
        _pass_at(report),
        _shares("By repository", report.repositories),
        _shares("By difficulty", report.difficulties),
        _shares("By year of the issue", report.years),
    ]


_COUNTED = {"first": "first sample", "last": "last prediction"}


def percent(found: Share) -> str:
    """Such as `53.8 % [49.4, 58.1]`."""
    return f"{found.value:.1%} [{100 * found.low:.1f}, {100 * found.high:.1f}]".replace("%", " %")


def _headline(report: Report) -> str:
    resolved = report.resolved
    first = [
        f"**{resolved.count} of {resolved.n} resolved: {percent(resolved)}** "
        f"(95 % Wilson interval; {_COUNTED[report.counted]} of each instance)",
        "",
    ]
    lines = [
        *(first if report.sampled is None else sampled_headline(report.sampled)),
        f"- suite {_cell(report.suite)}, {report.instances} of {report.suite_size} instances",
        f"- judged by {_cell(report.grader)}; {report.predictions} predictions"
        + (f" of {', '.join(map(_cell, report.models))}" if report.models else ""),
    ]
    if report.made:
        lines.append(f"- made {_cell(report.made)} by {_cell(report.version)}")
    if report.modes:
        lines.append(f"- mode {', '.join(map(_cell, report.modes))}")
    if report.stripped:
        lines.append("- test, configuration, binary and scratch files were left out of every patch")
    if report.instances < report.suite_size and report.sampled is None:
        whole = report.of_suite
        lines.append(f"- of the whole suite: {whole.count} of {whole.n}, {percent(whole)}")
    if cost := report.cost:
        lines.append(
            f"- cost {cost.total:,.4f} {_cell(cost.currency)}, {cost.per_instance:,.4f} for an "
            f"instance with all its samples ({_cell(cost.basis)})"
        )
    return "\n".join(lines)


def _warnings(report: Report) -> str:
    found = []
    if bad := report.control_failed:
        what = "not resolved by their" if report.control == "gold" else "resolved without a"
        found.append(
            f"**The control failed**: {len(bad)} of {report.predictions} are {what} reference "
            f"patch ({_some(bad)}); their images or rows are at fault, not a model"
        )
    elif report.control:
        found.append("The control is passed by all that could be graded")
    if several := _several(report):
        found.append(
            f"{len(several)} instances have more than one prediction ({_some(several)}); the "
            f"headline counts the {report.counted} of each"
            + (", as the official command line does" if report.counted == "last" else "")
        )
    if len(report.models) > 1:
        counted = "mixes them" if len(report.by_model) > 1 else "counts one of them"
        found.append(
            f"The predictions are of {len(report.models)} models "
            f"({', '.join(map(_cell, report.models))}): the headline {counted}"
        )
    if suspects := [line for line in report.lines if line.environmental and not line.resolved]:
        found.append(
            f"{len(suspects)} failures show signs of a failing environment "
            f"({_some([line.instance for line in suspects])}); look at their logs"
        )
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


def _several(report: Report) -> list[str]:
    """Instances with several predictions in a file, which are samples only by being there."""
    if report.counted == "first":
        return []
    counts = Counter(line.instance for line in report.lines)
    return [instance for instance, count in counts.items() if count > 1]


def _signs(report: Report) -> str:
    """The kinds of failure that the official report on a run tells apart."""
    tiers = {line.failure: line.environmental for line in report.lines}
    rows = [
        (kind, "the environment" if tiers.get(kind) else "environment or patch", count)
        for kind, count in report.failures.items()
    ]
    return _table("Signs in the logs of failures", ("sign", "points at", "predictions"), rows, {})


def _failures(report: Report) -> str:
    """Which tests failed, why, and where the logs are; noop is meant to fail."""
    parts = []
    for line in report.lines:
        if line.resolved or line.outcome == "empty" or report.control == "noop":
            continue
        said = [f"- {_cell(line.instance)} #{line.sample}: {OUTCOMES[line.outcome]}"]
        said += [f"  - {_cell(text)}" for text in (line.failure, line.detail) if text]
        for what, tests in (("not fixed", line.fail_to_pass), ("broken", line.pass_to_pass)):
            if failed := [name for name, passed in tests.items() if not passed]:
                said.append(f"  - {what}: {_some(failed, TESTS_NAMED)}")
        if line.log:
            said.append(f"  - log: {_cell((PurePosixPath(report.logs) / line.log).as_posix())}")
        parts.append("\n".join(said))
    return "## Not resolved\n\n" + "\n".join(parts) if parts else ""


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
            line.image.removeprefix("sha256:")[:ID_CHARACTERS] or "-",
            (line.detail or line.failure)[:120],
        )
        for line in lines
    ]
    header = (
        *("prediction", "outcome", "tests", "like gold", "ended", "tokens", "s"),
        *(["cost"] if cost else []),
        *("image", ""),
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


def _some(names: Iterable[str], most: int = 3) -> str:
    listed = [_cell(name) for name in names]
    return ", ".join(listed[:most]) + (
        f" and {len(listed) - most} more" if len(listed) > most else ""
    )
