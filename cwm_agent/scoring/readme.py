"""What the leaderboard wants to read of a submission: the list of rules, and the figures.

Source of both: checklist.md and analysis/get_results.py of the repository
SWE-bench/experiments, July 2025. A submission's text shall hold what that
script prints; it cannot be run before the submission lies in that repository.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from cwm_agent.scoring.predictions import PREDICTIONS
from results.reports.markdown import percent
from results.reports.metrics import share
from results.reports.report import Line

if TYPE_CHECKING:
    from cwm_agent.scoring.leaderboard import Submission

RULE = "=" * 50


def readme(submission: Submission) -> str:
    """The text of README.md."""
    entry, report, lines = submission.entry, submission.report, submission.lines().values()
    right = share(sum(line.resolved for line in lines), len(lines))
    parts = [
        f"# {entry.name}",
        f"Resolved {right.count} of {right.n}: {percent(right)} (95 % Wilson interval), "
        f"judged by {report.grader} on {report.suite}.",
        f"System: [{entry.site}]({entry.site}). Report: [{entry.report}]({entry.report}).\n"
        f"Authors: {', '.join(entry.authors) or 'see the report'}.",
        "## Checklist",
        "\n".join(f"- [x] {text}" for text in _checklist(submission)),
        "## Results",
        f"```\n{summary(f'{entry.folder} on SWE-bench {submission.split} split', lines)}\n```",
        "## Files",
        f"`{PREDICTIONS}` has one prediction for each instance, `trajs/` the whole conversation,\n"
        "`logs/` what the official grader left, `results/` the figures above.",
    ]
    return "\n\n".join(parts) + "\n"


def summary(title: str, lines: Iterable[Line]) -> str:
    """The figures in the form in which the leaderboard's script prints them."""
    listed = list(lines)
    right = sum(line.resolved for line in listed)
    text = [
        f"Submission summary for {title}",
        RULE,
        f"Resolved {right} instances ({_rate(right, len(listed))}%)",
    ]
    for name, table in (
        ("Repository", _groups(listed, lambda line: line.repository)),
        ("Time", _groups(listed, lambda line: line.year)),
    ):
        text += [RULE, f"Resolved by {name}"]
        for group, found in table.items():
            rate = _rate(found["resolved"], found["total"])
            text.append(f"- {group}: {found['resolved']}/{found['total']} ({rate}%)")
    return "\n".join(text)


def result_files(lines: Iterable[Line]) -> dict[str, object]:
    """The files of `results/` by name, as the leaderboard's script writes them."""
    listed = sorted(lines, key=lambda line: line.instance)

    def names(holds: Callable[[Line], bool]) -> list[str]:
        return [line.instance for line in listed if holds(line)]

    return {
        "results.json": {
            "no_generation": names(lambda line: line.outcome == "empty"),
            "no_logs": names(lambda line: line.outcome == "not_applied"),
            "resolved": names(lambda line: line.resolved),
        },
        "resolved_by_repo.json": _groups(listed, lambda line: line.repository),
        "resolved_by_time.json": _groups(listed, lambda line: line.year),
    }


def browsing(submission: Submission) -> str | None:
    """What to say of look-ups on the web; None where it is not known to be true."""
    steps, network, hosts = submission.entry.web_steps, submission.network, submission.hosts
    if network is False and not hosts:
        said = "the model's commands had no network"
        return f"{said}; {steps}" if steps else said
    if network is False:
        said = f"the model's commands reached no host but {', '.join(hosts)}"
        return f"{said}; {steps}" if steps else said
    return steps or None


def _checklist(submission: Submission) -> list[str]:
    single = submission.entry.attempts == "1"
    return [
        "Is a pass@1 submission (does not attempt the same task instance more than once)"
        if single
        else "Is a best@k submission (of several attempts at an instance one was chosen, without "
        "the tests that score it)",
        "Does not use SWE-bench test knowledge (`PASS_TO_PASS`, `FAIL_TO_PASS`)",
        "Does not use the `hints` field in SWE-bench",
        "Does not have web-browsing OR has taken steps to prevent lookup of SWE-bench solutions "
        f"via web-browsing: {browsing(submission)}; the history after the base commit was hidden",
    ]


def _groups(lines: Iterable[Line], key: Callable[[Line], str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"resolved": 0, "total": 0})
    for line in lines:
        group = found[key(line)]
        group["total"] += 1
        group["resolved"] += line.resolved
    return dict(sorted(found.items()))


def _rate(part: int, whole: int) -> float:
    return round(part * 100 / whole, 2) if whole else 0.0
