"""How tests report: JUnit XML as several runners write it, and exit codes."""

from __future__ import annotations

import pytest

from envs.errors import ReportError
from envs.repository.reports import (
    EXIT_CODE,
    Report,
    parse_exit_code,
    parse_junit,
    read_report_kind,
)

PYTEST = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4">
<testcase classname="tests.test_code" name="test_double" time="0.001" />
<testcase classname="tests.test_code" name="test_twice[a - b]"><failure message="no">x</failure>
</testcase>
<testcase classname="tests.test_code" name="test_later"><skipped type="pytest.skip" /></testcase>
<testcase classname="" name="tests.test_broken"><error message="collection failure">x</error>
</testcase></testsuite></testsuites>"""
SUREFIRE = b"""<testsuite name="org.example.AppTest" tests="2" failures="0">
<properties><property name="java.version" value="21"/></properties>
<testcase name="opens" classname="org.example.AppTest"><flakyFailure>once</flakyFailure></testcase>
<testcase name="closes" classname="org.example.AppTest"/></testsuite>"""
GO = b"""<testsuites><testsuite name="example.org/pkg">
<testcase classname="pkg" name="TestOpen/a_b">
</testcase></testsuite></testsuites>"""


def test_the_reports_of_several_runners_are_one_log() -> None:
    log = parse_junit([PYTEST, SUREFIRE, GO], 1, "reports/*.xml")
    assert log.broken == ""
    assert log.outcomes == {
        "tests.test_code::test_double": "passed",
        "tests.test_code::test_twice[a - b]": "failed",
        "tests.test_code::test_later": "skipped",
        "tests.test_broken": "failed",
        "org.example.AppTest::opens": "passed",
        "org.example.AppTest::closes": "passed",
        "pkg::TestOpen/a_b": "passed",
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_test_that_is_named_twice_keeps_its_worst_outcome(order: tuple[int, int]) -> None:
    documents = [
        b'<testsuite><testcase name="x"/></testsuite>',
        b'<testsuite><testcase name="x"><error/></testcase></testsuite>',
    ]
    log = parse_junit([documents[place] for place in order], 1, "x.xml")
    assert log.outcomes == {"x": "failed"}


@pytest.mark.parametrize(
    ("documents", "exit_code", "part"),
    [
        ([], 0, "left no report at x.xml (exit code 0)"),
        ([b"<testsuite>"], 0, "is not XML"),
        ([b"<?xml version='1.0' encoding='none'?><testsuite/>"], 0, "is not XML"),
        ([SUREFIRE], 2, "failed (exit code 2), its report names no failure"),
        ([b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'], 0, "document type"),
    ],
)
def test_what_cannot_be_trusted_is_said(documents: list[bytes], exit_code: int, part: str) -> None:
    log = parse_junit(documents, exit_code, "x.xml")
    assert part in log.broken
    assert not log.passed("org.example.AppTest::opens")


def test_failures_count_although_the_runner_ends_well() -> None:
    log = parse_junit([PYTEST], 0, "x.xml")
    assert log.outcomes["tests.test_broken"] == "failed"
    assert log.passed("tests.test_code::test_double")


@pytest.mark.parametrize(("code", "outcome"), [(0, "passed"), (1, "failed"), (139, "failed")])
def test_an_exit_code_is_one_test(code: int, outcome: str) -> None:
    assert parse_exit_code(code).outcomes == {EXIT_CODE: outcome}


@pytest.mark.parametrize("code", [126, 127, None])
def test_a_command_that_is_not_there_proves_nothing(code: int | None) -> None:
    assert "could not be run" in parse_exit_code(code).broken


def test_a_way_to_report_is_read_or_refused_with_the_choices() -> None:
    assert read_report_kind("junit:a b/*.xml") == Report("junit", "a b/*.xml")
    assert read_report_kind("exit-code") == Report("exit-code")
    for wrong in ("junit", "junit: ", "xunit:a", "pytest:a", ""):
        with pytest.raises(ReportError, match="choose pytest, junit:PATH"):
            read_report_kind(wrong)
