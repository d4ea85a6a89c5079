"""The published numbers: their commands exist, their intervals and hours follow from the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from cwm_agent.cli.main import app, run
from cwm_agent.cli.reproduce import parse
from cwm_agent.errors import UsageError
from cwm_agent.reproduce.checks import check, missing
from cwm_agent.reproduce.expected import hours, interval
from cwm_agent.reproduce.page import page
from cwm_agent.reproduce.published import ROWS, Row, commands, row_named
from cwm_agent.tasks.datasets import HUB

ROOT = Path(__file__).parents[3]
PUBLISHED = {
    "swebench-verified": 53.9, "swebench-majority": 58.4, "swebench-best-of-16": 65.8,
    "swebench-pass-at-40": 80.4, "livecodebench-v5": 68.6, "livecodebench-v6": 63.5,
    "math500": 96.6, "aime24": 76.0, "aime25": 68.2, "trace-output": 88.0, "trace-full": 87.7,
    "trace-state": 96.9, "trace-action": 96.5,
}  # fmt: skip


def suites() -> str:
    """The suites that `run` names."""
    command = get_command(app).commands["run"]  # type: ignore[attr-defined]
    helps = [str(getattr(parameter, "help", "")) for parameter in command.params]
    return " ".join([command.help, *helps, *HUB])


def test_the_numbers_are_those_that_were_published() -> None:
    assert {row.name: row.published for row in ROWS} == PUBLISHED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_command_is_understood_where_its_suite_is_there(row: Row) -> None:
    if row.steps[0][1] in suites():
        for words in commands(row):
            parse(words)
    else:
        with pytest.raises((UsageError, TyperException)):
            parse(commands(row)[0])


def test_a_command_with_an_option_that_does_not_exist_is_not_understood() -> None:
    with pytest.raises(TyperException):
        parse(["run", "swebench-verified", "--no-such-option"])
    with pytest.raises(UsageError, match="no suite"):
        parse(["run", "no-such-suite"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_interval_and_hours_are_of_the_row(row: Row) -> None:
    spread = interval(row)
    assert 0 <= spread.low < row.published < spread.high <= 100
    assert hours(row).value >= 0
    assert row.wall is None or 0.1 < hours(row).value / row.wall < 10  # the order of magnitude


def test_the_interval_of_four_answers_each() -> None:
    # sqrt(.539 * .461 / 500 * (1 / 4 + 1 / 4)) = 0.01576, times 1.96 = 3.09 points
    spread = interval(row_named("swebench-verified"))
    assert (spread.low, spread.high) == (50.8, 57.0)


def test_the_list_is_one_object_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "--list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(PUBLISHED)
    wanted = {"name", "published", "command", "hardware", "hours", "runs_here"}
    assert all(wanted <= row.keys() for row in rows)
    assert all(row["command"].startswith("cwm-agent run ") for row in rows)
    assert all(row["runs_here"] == (not row["missing"]) for row in rows)


def test_a_dry_run_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reproduce", "trace-output", "--dry-run", "--model", "no/such-model"]) == 4
    said = capsys.readouterr().out
    assert "missing checkpoint" in said
    assert "would run: cwm-agent run trace-prediction --suite cruxeval" in said


def test_checks_name_only_what_lacks() -> None:
    found = check(row_named("trace-output"), "nano", parse)
    assert {one.what for one in found if one.ok} >= {"command", "settings", "checkpoint"}
    assert all(": " in line for line in missing(found))


def test_an_unknown_number_is_refused_with_those_that_there_are() -> None:
    assert run(["reproduce", "no-such-number", "--dry-run"]) == 2


def test_the_page_is_what_the_rows_say() -> None:
    assert (ROOT / "docs" / "reproduce.md").read_text() == page(), "cwm-agent reproduce --page"
