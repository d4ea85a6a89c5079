"""`score` where everything has a score or nothing may have one; grading itself needs Docker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cwm_agent.exit_codes import ExitCode
from results.records import RunInfo
from results.reports.report import read_report
from results.scores import ScoreOutcome
from results.store import Attempt, Store

from .conftest import PATCH, RESULT, Command
from .scored import make_run, write_rows

INFO = RunInfo("2026-11-24T10:00:00Z", ("cwm-agent", "run"))
OUTCOMES: dict[str, ScoreOutcome] = {
    "a__x-0": "resolved", "a__x-1": "unresolved", "a__x-2": "timeout", "a__x-3": "not_applied",
}  # fmt: skip


def test_a_run_with_scores_is_reported_without_an_engine(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    run, rows = make_run(store, INFO, "first", OUTCOMES), write_rows(tmp_path)
    done = cwm_agent("score", "first", "--dataset", str(rows), DOCKER_HOST="unix:///nowhere")
    assert done.returncode == ExitCode.SUCCESS
    assert "**1 of 4 resolved: 25.0 % [4.6, 69.9]**" in done.stdout
    assert "| submitted | 4 |" in done.stdout
    assert "4 patches have a score already" in done.stderr
    assert (run.folder / "report.md").read_text() == done.stdout
    report = read_report(run.folder)
    assert report.lines[0].completion_tokens == RESULT.completion_tokens
    assert (report.modes, report.models, report.suite) == (("improved",), ("replay",), "rows.jsonl")


def test_samples_share_the_score_of_their_patch(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    make_run(store, INFO, "first", OUTCOMES, samples=2)
    rows = str(write_rows(tmp_path))
    whole = json.loads(cwm_agent("score", "first", "--dataset", rows, "--json").stdout)
    assert (whole["predictions"], whole["pass_at"]) == (8, {"1": 0.25, "2": 0.25})
    part = ("--sample", "1", "--match", "-[01]$", "--slice", "1:")
    one = json.loads(cwm_agent("score", "first", "--dataset", rows, "--json", *part).stdout)
    assert [(line["instance"], line["sample"]) for line in one["lines"]] == [("a__x-1", 1)]
    assert one["suite_size"] == 4


def test_lists_and_views_show_what_the_grader_said(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    run = make_run(store, INFO, "first", OUTCOMES | {"a__x-3": "infrastructure"}, samples=2)
    attempt = run.attempt("a__x-0", 1)
    (attempt.folder / "result.json").unlink()
    attempt.finish(replace(RESULT, instance="a__x-0", sample=1, patch="+", resolved=None))
    with (run.scores / "scores.jsonl").open("a") as file:
        file.write('{"torn')  # somebody is writing
    listed = json.loads(cwm_agent("ls", "--json").stdout)
    assert [(row["verdict"], row["resolved"]) for row in listed] == [
        ("resolved", True), ("not scored", None),
        *[("unresolved", False)] * 4, *[("infrastructure", None)] * 2,
    ]  # fmt: skip
    assert "replay submitted resolved" in " ".join(cwm_agent("ls").stdout.split())
    shown = cwm_agent("view", "first", "-i", "a__x-1", "--sample", "0").stdout
    assert "unresolved  submitted" in shown
    assert "score: unresolved, 2.0 s of grading\n  fail to pass: 0 of 1\n    failed t" in shown
    (told,) = json.loads(
        cwm_agent("view", "first", "-i", "a__x-2", "--sample", "0", "--json", "--content").stdout
    )["attempts"]
    assert told["score"]["outcome"] == "timeout"
    assert (run.scores / "scores.jsonl").read_text().endswith('{"torn')


def test_costs_are_there_when_a_price_is(cwm_agent: Command, store: Store, tmp_path: Path) -> None:
    make_run(store, INFO, "first", OUTCOMES, samples=2)
    arguments = ("score", "first", "--dataset", str(write_rows(tmp_path)))
    assert "cost" not in cwm_agent(*arguments).stdout
    prices = ("--set", "cost.per_million_output_tokens=1000", "--set", "cost.currency=EUR")
    one = RESULT.completion_tokens / 1000
    text = cwm_agent(*arguments, *prices).stdout
    assert f"cost {8 * one:.4f} EUR, {2 * one:.4f} for an instance with all its samples" in text
    assert f"| cost | {one:.4f} | {one:.4f} | {8 * one:.4f} |" in text
    report = json.loads(cwm_agent(*arguments, *prices, "--json").stdout)
    assert report["cost"]["basis"] == "1000 EUR for a million output tokens"
    assert [line["cost"] for line in report["lines"]] == pytest.approx([one] * 8)


def test_a_score_that_does_not_hold_is_graded_again(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    make_run(store, INFO, "first", OUTCOMES)
    ask = ("score", "first", "--dataset", str(write_rows(tmp_path)))
    for option, known, again in (
        (("--timeout", "3600"), 3, 1), (("--no-network",), 0, 4),
        (("--again",), 0, 4), (("--again", "2"), 0, 4),
    ):  # fmt: skip
        done = cwm_agent(*ask, *option, DOCKER_HOST="unix:///nowhere")
        assert done.returncode == ExitCode.ENVIRONMENT
        assert (f"{known} patches have a score already" in done.stderr) == bool(known)
        assert f"{again} patches are graded again" in done.stderr


def test_what_could_not_be_graded_is_tried_again_and_needs_the_engine(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    make_run(store, INFO, "first", OUTCOMES | {"a__x-2": "infrastructure"})
    rows = str(write_rows(tmp_path))
    done = cwm_agent("score", "first", "--dataset", rows, DOCKER_HOST="unix:///nowhere")
    assert done.returncode == ExitCode.ENVIRONMENT
    assert "3 patches have a score already" in done.stderr
    assert "no Docker engine answers" in done.stderr


def test_verdicts_of_a_runs_own_tests_are_reported_as_they_are(
    cwm_agent: Command, finished: Attempt
) -> None:
    done = cwm_agent("score", "first", "--json")
    assert done.returncode == ExitCode.SUCCESS
    report = json.loads(done.stdout)
    assert (report["grader"], report["suite_key"]) == ("its own tests", "")
    (line,) = report["lines"]
    assert (line["outcome"], line["fail_to_pass"]["test_a"]) == ("unresolved", True)


def test_a_selection_holds_for_verdicts_of_a_runs_own_tests(
    cwm_agent: Command, finished: Attempt
) -> None:
    assert "did you mean 'flask-4010'" in cwm_agent("score", "first", "--id", "flask-401").stderr
    assert cwm_agent("score", "first", "--sample", "3").returncode == ExitCode.USAGE
    assert cwm_agent("score", "first", "--id", "flask-4010").returncode == ExitCode.SUCCESS


def test_several_rows_of_an_instance_and_mixed_models_are_warned_of(
    cwm_agent: Command, tmp_path: Path
) -> None:
    rows = [
        {"instance_id": "a__x-1", "model_patch": "", "model_name_or_path": name}
        for name in ("one", "two")
    ]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = cwm_agent("score", "p.jsonl", "--dataset", str(write_rows(tmp_path)))
    assert "warning: the predictions are of 2 models (1 of one, 1 of two)" in done.stderr
    assert "warning: 1 instances have several predictions (a__x-1)" in done.stderr
    assert "the headline counts the last of each" in done.stdout


def test_a_file_of_empty_predictions_needs_no_engine(cwm_agent: Command, tmp_path: Path) -> None:
    rows = str(write_rows(tmp_path))
    predictions = [{"instance_id": "a__x-1", "model_patch": patch} for patch in ("", None, " \n")]
    (tmp_path / "preds.json").write_text(json.dumps(predictions))
    done = cwm_agent("score", "preds.json", "--dataset", rows, DOCKER_HOST="unix:///nowhere")
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    assert "| no patch | 3 |" in done.stdout
    assert (tmp_path / "preds-scores" / "report.json").is_file()


def test_attempts_that_are_not_finished_are_left_out_and_said(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    run = make_run(store, INFO, "first", OUTCOMES)
    (run.folder / "a__x-3" / "0" / "result.json").unlink()
    done = cwm_agent("score", "first", "--dataset", str(write_rows(tmp_path)), "--json")
    assert "1 attempts are unfinished and left out" in done.stderr
    report = json.loads(done.stdout)
    assert (report["resolved"]["n"], report["of_suite"]["n"]) == (3, 4)


def test_what_is_stripped_is_not_scored_and_is_named(cwm_agent: Command, tmp_path: Path) -> None:
    rows = str(write_rows(tmp_path))
    patch = PATCH.replace("x.py", "conftest.py")
    (tmp_path / "preds.json").write_text(
        json.dumps([{"instance_id": "a__x-1", "model_patch": patch}])
    )
    done = cwm_agent("score", "preds.json", "--dataset", rows, "--strip", "--json")
    (line,) = json.loads(done.stdout)["lines"]
    assert (line["outcome"], line["detail"]) == ("empty", "nothing is left of the patch")
    assert line["carried"] == ["conftest.py (test)"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "name a run or a file of predictions"),
        (["--control", "silver"], "use gold or noop"),
        (["first", "--control", "gold"], "leave out the run or predictions"),
        (["nowhere"], "a file of predictions ends with .json or .jsonl"),
        (["preds.jsonl"], "cannot read preds.jsonl"),
        (["empty.jsonl"], "empty.jsonl holds no predictions"),
        (["first", "--dataset", "rows.jsonl", "--id", "a__x-9"], "did you mean 'a__x-"),
        (["first", "--dataset", "rows.jsonl", "--sample", "7"], "none of the predictions is"),
        (["part.jsonl", "--dataset", "rows.jsonl", "--id", "a__x-3"], "no prediction for a__x-3"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_before_anything_runs(
    cwm_agent: Command, store: Store, tmp_path: Path, arguments: list[str], error: str
) -> None:
    make_run(store, INFO, "first", OUTCOMES)
    write_rows(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n")
    (tmp_path / "part.jsonl").write_text('{"instance_id": "a__x-1", "model_patch": ""}\n')
    done = cwm_agent("score", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert error in done.stderr
    assert done.stdout == ""
