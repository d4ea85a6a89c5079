"""From the files of the official grader to one outcome.

A verdict says something of the patch; a failure of the infrastructure says
nothing of it. The official report is taken as it is: only where it knows no
test results, or where there is no report, the reason is looked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results.records import Verdict
from results.scores import ScoreOutcome

APPLY_FAILED = ">>>>> Patch Apply Failed"
TIMED_OUT = "Test timed out after"
NO_PROGRAM = "executable file not found"
NO_TEXT = "'utf-8' codec can't "
"""What the grader ends with, each time anew, where a patch or the diff it leads to is no UTF-8."""
DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome, and the tests where any were run."""

    outcome: ScoreOutcome
    verdict: Verdict


def judge(report: Mapping[str, Any] | None, log: Path, detail: str) -> Judged:
    """What `report` (the official one on this instance) or else the files in `log` say."""
    if report is None:
        return _judge_failure(log, detail)
    tests = report.get("tests_status")
    if tests is not None:
        outcome: ScoreOutcome = "resolved" if report["resolved"] else "unresolved"
        verdict = Verdict(
            bool(report["resolved"]), _table(tests["FAIL_TO_PASS"]), _table(tests["PASS_TO_PASS"])
        )
        return Judged(outcome, verdict)
    reason = report.get("infra_failure_reason", "")
    if report.get("infra_failure"):
        return Judged("infrastructure", Verdict(False, detail=f"the environment failed: {reason}"))
    found = "the test run left no results that can be trusted"
    return Judged("unresolved", Verdict(False, detail=f"{found} ({reason})" if reason else found))


def _judge_failure(log: Path, detail: str) -> Judged:
    """The grader gave up: because of the patch, of the time, or of something else."""
    text = _read(log / "run_instance.log")
    if APPLY_FAILED in text:
        said = _why_not_applied(text[text.index(APPLY_FAILED) + len(APPLY_FAILED) :])
        return Judged("not_applied", Verdict(False, detail=said[:DETAIL_CHARACTERS]))
    for line in text.split("\n"):
        if TIMED_OUT in line:
            said = line[line.index(TIMED_OUT) :]
            return Judged("timeout", Verdict(False, detail=said[:DETAIL_CHARACTERS]))
    errors = [line for line in text.split("\n") if " - ERROR - " in line]
    said = detail or (errors[-1].partition(" - ERROR - ")[2] if errors else "no report was written")
    if NO_TEXT in said:
        reason = said[said.index(NO_TEXT) :]
        told = f"the official grader takes only text in UTF-8 for a patch and its diff ({reason})"
        return Judged("not_applied", Verdict(False, detail=told[:DETAIL_CHARACTERS]))
    return Judged("infrastructure", Verdict(False, detail=said[:DETAIL_CHARACTERS]))


def _why_not_applied(said: str) -> str:
    """`said` begins with what the last way of applying printed, that of the program `patch`."""
    reason = next((line.strip() for line in said.lstrip(":").split("\n") if line.strip()), "")
    if NO_PROGRAM in reason:
        return (
            "the patch does not apply with git, and the image lacks the program `patch`, the "
            "grader's last way of applying it: install it in the image (apt-get install patch)"
        )
    return f"the patch does not apply: {reason}" if reason else "the patch does not apply"


def _table(side: Mapping[str, list[str]]) -> dict[str, bool]:
    return dict.fromkeys(side["success"], True) | dict.fromkeys(side["failure"], False)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
