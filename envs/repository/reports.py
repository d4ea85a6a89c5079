"""How a task's tests say what became of each: pytest's summary, JUnit XML, or an exit code.

The format of JUnit XML is that of Ant's `junitreport`, which most runners
write: `testcase` elements with `name` and mostly `classname`, and in them
`failure`, `error` or `skipped` where the test did not pass.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from envs.errors import ReportError
from envs.repository.pytest_log import Outcome, TestLog, parse_pytest

EXIT_CODE = "exit code"
"""The name of the one test that an exit code stands for."""
NOT_RUN = (126, 127)
"""Exit codes by which a shell says that there is no such program."""
_RANK: dict[Outcome, int] = {"passed": 0, "skipped": 1, "failed": 2}
_REMEDY = "choose pytest, junit:PATH (a file or a pattern in the repository) or exit-code"


@dataclass(frozen=True, slots=True)
class Report:
    """One way to report. `path` is where JUnit files lie, a pattern for bash's `globstar`."""

    kind: Literal["pytest", "junit", "exit-code"]
    path: str = ""


def read_report_kind(text: str) -> Report:
    """What `pytest`, `junit:PATH` or `exit-code` stands for; raises ReportError."""
    kind, colon, path = text.partition(":")
    if text == "pytest":
        return Report("pytest")
    if text == "exit-code":
        return Report("exit-code")
    if kind == "junit" and path.strip():
        return Report("junit", path)
    if kind == "junit":
        raise ReportError(f"a JUnit report needs its path: {_REMEDY}")
    raise ReportError(f"unknown test report {text!r}: {_REMEDY}")


def parse(
    report: Report,
    output: str,
    exit_code: int | None,
    documents: Sequence[bytes],
    known: Collection[str],
) -> TestLog:
    """What the tests said: `documents` are JUnit files, `known` the ids that a task names."""
    if report.kind == "pytest":
        return parse_pytest(output, exit_code, known)
    if report.kind == "junit":
        return parse_junit(documents, exit_code, report.path)
    return parse_exit_code(exit_code)


def parse_exit_code(exit_code: int | None) -> TestLog:
    """One test called EXIT_CODE; the log is broken where the command could not be run."""
    if exit_code is None or exit_code in NOT_RUN:
        return TestLog({}, broken=f"the test command could not be run (exit code {exit_code})")
    return TestLog({EXIT_CODE: "failed" if exit_code else "passed"})


def parse_junit(documents: Sequence[bytes], exit_code: int | None, path: str) -> TestLog:
    """The tests of JUnit files, named `CLASSNAME::NAME`, or `NAME` without a class.

    A test that is named more than once keeps its worst outcome. The log is
    broken without a file, with one that is not XML, and where the command
    failed although no test did.
    """
    if not documents:
        return TestLog({}, broken=f"the tests left no report at {path} (exit code {exit_code})")
    outcomes: dict[str, Outcome] = {}
    for document in documents:
        if re.search(rb"<!(DOCTYPE|ENTITY)", document):
            return TestLog({}, broken=f"a report at {path} declares a document type")
        try:
            root = ElementTree.fromstring(document)
        except (ElementTree.ParseError, LookupError, ValueError) as error:  # an unknown encoding
            return TestLog({}, broken=f"a report at {path} is not XML: {error}")
        for case in root.iter("testcase"):
            name, outcome = _name(case), _outcome(case)
            if _RANK[outcome] >= _RANK[outcomes.get(name, "passed")]:
                outcomes[name] = outcome
    if exit_code != 0 and "failed" not in outcomes.values():
        broken = f"the test command failed (exit code {exit_code}), its report names no failure"
        return TestLog(outcomes, broken=broken)
    return TestLog(outcomes)


def _name(case: ElementTree.Element) -> str:
    group, name = case.get("classname", ""), case.get("name", "")
    return f"{group}::{name}" if group else name


def _outcome(case: ElementTree.Element) -> Outcome:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "passed" if case.find("skipped") is None else "skipped"
