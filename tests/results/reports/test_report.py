"""Reports: the figures, the file, and a text that nothing in it can break."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results.errors import RunNotFoundError
from results.files import write_record
from results.reports.markdown import as_markdown
from results.reports.metrics import share
from results.reports.report import Heading, Line, build_report, read_report
from results.reports.similarity import LONGEST, similarity
from results.scores import ScoreOutcome

HEADING = Heading("run", "rows.jsonl", "k", 10, "swebench 5.0.2", ("cwm",), ("faithful",))
OUTCOMES: tuple[ScoreOutcome, ...] = ("resolved", "unresolved", "infrastructure", "empty")


def line(instance: str, outcome: ScoreOutcome, sample: int = 0, repository: str = "a/b") -> Line:
    return Line(instance, sample, repository, "", outcome)


def test_failures_of_the_infrastructure_count_and_are_told_apart() -> None:
    lines = [line("a", "resolved"), line("b", "infrastructure"), line("c", "unresolved")]
    report = build_report(HEADING, lines)
    assert report.resolved == share(1, 3)
    assert report.graded == share(1, 2)
    assert report.of_suite == share(1, 10)
    text = as_markdown(report)
    assert "**1 of 3 resolved: 33.3 % [6.2, 79.2]**" in text
    assert "1 predictions could not be graded and count as not resolved" in text
    assert "of the whole suite: 1 of 10" in text
    assert "mode faithful" in text


def test_samples_give_pass_at_k_and_the_first_one_the_share() -> None:
    lines = [line("a", "resolved" if s == 1 else "unresolved", s) for s in range(4)]
    lines += [line("b", "unresolved", s) for s in range(4)]
    report = build_report(HEADING, lines[::-1])
    assert (report.instances, report.predictions) == (2, 8)
    assert report.resolved == share(0, 2)
    assert report.pass_at == {"1": 0.125, "2": 0.25, "4": 0.5}
    assert "| 4 | 50.0 % |" in as_markdown(report)


def test_groups_and_usage() -> None:
    lines = [
        replace(line("a", "resolved"), exit_reason="submitted", turns=3, completion_tokens=10),
        replace(line("b", "empty", repository="c/d"), exit_reason="turn_limit", turns=5),
        line("c", "unresolved", repository="c/d"),
    ]
    report = build_report(HEADING, lines)
    assert report.repositories == {"a/b": share(1, 1), "c/d": share(0, 2)}
    assert report.difficulties == {"not said": share(1, 3)}
    assert report.exit_reasons == {"submitted": 1, "turn_limit": 1}
    turns = report.usage["turns"]
    assert (turns.mean, turns.median, turns.total) == (4.0, 4.0, 8.0)


def test_attempts_that_were_broken_off_are_pointed_out() -> None:
    lines = [replace(line("a", "unresolved"), exit_reason="sandbox_error"), line("b", "resolved")]
    assert "1 attempts were broken off" in as_markdown(build_report(HEADING, lines))
    assert "broken off" not in as_markdown(build_report(HEADING, lines[1:]))


def test_a_resolved_patch_that_carries_tests_is_marked() -> None:
    carrying = replace(line("a", "resolved"), carried=("conftest.py (test)",))
    text = as_markdown(build_report(HEADING, [carrying]))
    assert (
        "1 resolved patches carry test, configuration, binary or scratch files, which were" in text
    )
    assert "| a #0* |" in text
    stripped = as_markdown(build_report(replace(HEADING, stripped=True), [carrying]))
    assert "which were left out" in stripped


@given(st.text(), st.text(), st.sampled_from(OUTCOMES), st.text(max_size=5))
def test_a_report_comes_back_and_no_text_breaks_its_table(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    detail: str,
    outcome: ScoreOutcome,
    repository: str,
) -> None:
    folder = tmp_path_factory.mktemp("report")
    lines = [replace(line(name, outcome, repository=repository), detail=detail)]
    report = build_report(replace(HEADING, name=name), lines)
    write_record(folder / "report.json", report)
    assert read_report(folder) == report
    table = (
        as_markdown(report)
        .partition("## Predictions\n\n")[2]
        .split("\n\n")[0]
        .rstrip("\n")
        .split("\n")
    )
    assert len(table) == 3
    assert {row.replace("\\|", "").count("|") for row in table} == {10}


def test_a_failure_is_told_with_its_tests_its_kind_and_its_log() -> None:
    failed = replace(
        line("a", "unresolved"), fail_to_pass={f"t{n}": n == 0 for n in range(13)},
        pass_to_pass={"kept": True, "lost[a|b]": False}, log="logs/run/a", failure="missing_module",
        image="sha256:" + "1234567890ab" * 5,
    )  # fmt: skip
    heading = replace(HEADING, logs="scores", made="2026-11-27T10:00:00+00:00", version="cwm 1")
    report = build_report(heading, [failed, line("b", "resolved")])
    text = as_markdown(report)
    assert "- made 2026-11-27T10:00:00+00:00 by cwm 1" in text
    _, _, told = text.partition("## Not resolved\n\n")
    assert told.splitlines() == [
        "- a #0: tests fail",
        "  - missing_module",
        "  - not fixed: t1, t2, t3, t4, t5, t6, t7, t8, t9, t10 and 2 more",
        "  - broken: lost[a\\|b]",
        "  - log: scores/logs/run/a",
    ]
    assert "| missing_module | environment or patch | 1 |" in text
    assert "| 1234567890ab | missing_module |" in text
    assert report.failures == {"missing_module": 1}
    suspect = replace(failed, failure="network_unreachable", environmental=True)
    assert "1 failures show signs of a failing environment (a)" in as_markdown(
        build_report(heading, [suspect])
    )


@pytest.mark.parametrize(
    ("control", "outcomes", "failed"),
    [
        ("gold", ("resolved", "resolved"), ()),
        ("gold", ("resolved", "timeout"), ("b",)),
        ("noop", ("resolved", "unresolved"), ("a",)),
        ("noop", ("unresolved", "infrastructure"), ()),
        ("", ("unresolved", "resolved"), ()),
    ],
)
def test_a_report_says_whether_a_control_failed(
    control: str, outcomes: tuple[ScoreOutcome, ...], failed: tuple[str, ...]
) -> None:
    lines = [line(name, outcome) for name, outcome in zip("ab", outcomes, strict=True)]
    report = build_report(replace(HEADING, control=control), lines)
    assert report.control_failed == failed
    text = as_markdown(report)
    assert ("**The control failed**: 1 of 2" in text) == bool(failed)
    assert ("The control is passed" in text) == bool(control and not failed)


def test_the_last_of_several_rows_counts_and_mixed_models_are_shown() -> None:
    lines = [
        replace(line("a", "unresolved", 0), model="m"),
        replace(line("a", "resolved", 1), model="n"),
        replace(line("b", "unresolved", 0), model="m"),
    ]
    heading = replace(HEADING, counted="last", models=("m", "n"))
    report = build_report(heading, lines)
    assert report.resolved == share(1, 2)
    assert report.by_model == {"m": share(0, 1), "n": share(1, 1)}
    text = as_markdown(report)
    assert "last prediction of each instance" in text
    assert "1 instances have more than one prediction (a); the headline counts the last" in text
    assert "The predictions are of 2 models (m, n)" in text
    assert build_report(replace(heading, counted="first"), lines).resolved == share(0, 2)


def test_no_report_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(RunNotFoundError, match="make one with `cwm-agent score"):
        read_report(tmp_path)


def test_nothing_is_a_report_too() -> None:
    assert "0 of 0 resolved" in as_markdown(build_report(HEADING, []))


@given(st.text(max_size=50), st.text(max_size=50))
def test_similarity_is_a_share(first: str, second: str) -> None:
    found = similarity(first, second)
    assert found is not None
    assert 0 <= found <= 1
    assert similarity(first, first) == 1


def test_texts_too_long_to_compare_are_not() -> None:
    assert similarity("x" * LONGEST, "y") is None
