"""`export`: predictions that the package reads, and submissions that break no rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from cwm_agent.exit_codes import ExitCode
from results.records import RunInfo, SettingRecord
from results.scores import ScoreOutcome
from results.store import Run, Store

from . import scored as scored_runs
from .conftest import PATCH, Command
from .scored import LOGS, make_run, write_rows

SETTINGS = {"sandbox.network": SettingRecord(False, "default")}
INFO = RunInfo("2026-11-24T10:00:00Z", ("cwm-agent", "run"), SETTINGS)
OUTCOMES: dict[str, ScoreOutcome] = {
    "a__x-0": "resolved", "a__x-1": "unresolved", "a__x-2": "timeout", "a__x-3": "not_applied",
}  # fmt: skip
ENTRY = (
    "--format", "leaderboard", "--name", "CWM agent", "--site", "https://example.org/agent",
    "--report", "https://example.org/report", "--split", "own", "--date", "20261124",
    "--author", "A. Author", "--org", "Example",
)  # fmt: skip


@pytest.fixture
def scored(cwm_agent: Command, store: Store, tmp_path: Path) -> Run:
    run = make_run(store, INFO, "first", OUTCOMES)
    rows = str(write_rows(tmp_path))
    assert cwm_agent("score", "first", "--dataset", rows).returncode == ExitCode.SUCCESS
    return run


def test_predictions_are_read_by_the_official_package(cwm_agent: Command, scored: Run) -> None:
    from swebench.harness.utils import get_predictions_from_file

    done = cwm_agent("export", "first")
    path = done.stdout.strip()
    assert Path(path).resolve() == (scored.folder / "all_preds.jsonl").resolve()
    found = get_predictions_from_file(path, "", "test")
    assert found == [
        {"instance_id": name, "model_name_or_path": "replay", "model_patch": PATCH}
        for name in OUTCOMES
    ]


def test_a_submission_has_what_the_leaderboard_asks_for(
    cwm_agent: Command, scored: Run, tmp_path: Path
) -> None:
    done = cwm_agent("export", "first", *ENTRY, "--out", str(tmp_path / "out"))
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    folder = tmp_path / "out" / "evaluation" / "own" / "20261124_cwm-agent"
    assert Path(done.stdout.strip()) == folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "all_preds.jsonl", "logs", "metadata.yaml", "results", "trajs",
    ]  # fmt: skip
    assert len((folder / "all_preds.jsonl").read_text().splitlines()) == 4
    assert {path.stem for path in (folder / "trajs").iterdir()} == OUTCOMES.keys()
    assert {path.name for path in (folder / "logs" / "a__x-0").iterdir()} == set(LOGS)
    metadata = yaml.safe_load((folder / "metadata.yaml").read_text())
    assert {key: metadata[key] for key in ("name", "oss", "verified")} == {
        "name": "CWM agent", "oss": True, "verified": False,
    }  # fmt: skip
    assert metadata["info"]["report"] == "https://example.org/report"
    assert metadata["tags"]["system"] == {"attempts": "1"}
    assert metadata["tags"]["model"] == ["replay"]
    text = (folder / "README.md").read_text()
    assert "Resolved 1 of 4: 25.0 %" in text
    assert "web-browsing: the model's commands had no network" in text
    summary = text.partition("```\n")[2].partition("\n```")[0].splitlines()
    assert summary[2] == "Resolved 1 instances (25.0%)"
    assert "- somebody/greet: 1/4 (25.0%)" in summary
    assert summary[-1] == "- 2026: 1/4 (25.0%)"
    assert json.loads((folder / "results" / "results.json").read_text()) == {
        "no_generation": [], "no_logs": ["a__x-3"], "resolved": ["a__x-0"],
    }  # fmt: skip
    by_repository = json.loads((folder / "results" / "resolved_by_repo.json").read_text())
    assert by_repository == {"somebody/greet": {"resolved": 1, "total": 4}}
    again = cwm_agent("export", "first", *ENTRY, "--out", str(tmp_path / "out"))
    assert again.returncode == ExitCode.USAGE
    assert "already exists" in again.stderr


def test_a_trace_shows_every_step_and_no_verdict(
    cwm_agent: Command, scored: Run, tmp_path: Path
) -> None:
    cwm_agent("export", "first", *ENTRY, "--out", str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("evaluation/*/*/trajs/a__x-0.txt")
    text = path.read_text()
    for part in ("Names may be empty.", "Look first.", "cat x.py", "line 500", "submitted a patch"):
        assert part in text
    assert "\x1b" not in text
    assert "test_a" not in text


def test_line_ends_of_windows_are_a_part_of_the_patch(
    cwm_agent: Command, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = PATCH.replace("old\n", "old\r\n").replace("new\n", "new\u2028\r\n")
    monkeypatch.setattr(scored_runs, "PATCH", patch)
    make_run(store, INFO, "first", OUTCOMES)
    rows = str(write_rows(tmp_path))
    assert cwm_agent("score", "first", "--dataset", rows).returncode == ExitCode.SUCCESS
    done = cwm_agent("export", "first", *ENTRY, "--out", str(tmp_path / "out"))
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    folder = Path(done.stdout.strip())
    assert (folder / "logs" / "a__x-0" / "patch.diff").read_bytes() == patch.encode()
    lines = (folder / "all_preds.jsonl").read_text().splitlines()
    assert {json.loads(line)["model_patch"] for line in lines} == {patch}


@pytest.mark.parametrize(
    ("split", "rule"),
    [
        ("verified", "rows.jsonl has 4 of the 500 instances of the split verified"),
        ("verified", "4 of 500 instances have a prediction"),
        ("lite", "rows.jsonl has 4 of the 300 instances"),
    ],
)
def test_a_part_of_a_split_is_no_submission(
    cwm_agent: Command, scored: Run, split: str, rule: str
) -> None:
    done = cwm_agent("export", "first", *ENTRY, "--split", split)
    assert done.returncode == ExitCode.USAGE
    assert rule in done.stderr


def test_the_split_must_be_what_was_graded(cwm_agent: Command, scored: Run) -> None:
    spoil(scored, suite="SWE-bench/SWE-bench_Lite@1", suite_size=300)
    done = cwm_agent("export", "first", *ENTRY, "--split", "verified")
    assert "what was graded is the split lite, not verified" in done.stderr


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        ({"sandbox.network": True}, (), None),
        ({}, (), None),
        ({"sandbox.network": True}, ("--web-steps", "A proxy"), "web-browsing: A proxy;"),
        (
            {"sandbox.network": False, "sandbox.allow_hosts": ["pypi.org"]}, (),
            "reached no host but pypi.org;",
        ),
    ],
)  # fmt: skip
def test_what_is_said_of_the_web_is_known_to_be_true(
    cwm_agent: Command, store: Store, tmp_path: Path,
    settings: dict[str, object], arguments: tuple[str, ...], said: str | None,
) -> None:  # fmt: skip
    records = {name: SettingRecord(value, "flag") for name, value in settings.items()}
    make_run(store, replace(INFO, settings=records), "first", OUTCOMES)
    cwm_agent("score", "first", "--dataset", str(write_rows(tmp_path)))
    done = cwm_agent("export", "first", *ENTRY, *arguments, "--out", str(tmp_path / "out"))
    if said is None:
        assert "say with --web-steps" in done.stderr
    else:
        assert said in (Path(done.stdout.strip()) / "README.md").read_text()


def remove_log(run: Run) -> None:
    next(run.folder.glob("scores/logs/*/a__x-1/test_output.txt")).unlink()


def change_patch(run: Run) -> None:
    next(run.folder.glob("scores/logs/*/a__x-1/patch.diff")).write_text("other")


def remove_journal(run: Run) -> None:
    (run.folder / "a__x-1" / "0" / "events.jsonl").write_text("")


def remove_attempt(run: Run) -> None:
    (run.folder / "a__x-1" / "0" / "events.jsonl").unlink()


def spoil(run: Run, **changes: object) -> None:
    path = run.folder / "report.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        (remove_log, "a__x-1: test_output.txt is gone"),
        (change_patch, "a__x-1: another patch was scored than is predicted"),
        (remove_journal, "a__x-1: there is no reasoning trace"),
        (remove_attempt, "3 of 4 instances have a prediction; all need one"),
        (lambda run: spoil(run, suite_key=""), "was not graded officially"),
        (lambda run: spoil(run, stripped=True), "score it again without --strip"),
        (lambda run: spoil(run, lines=[]), "a__x-0, a__x-1, a__x-2 and 1 more was not scored"),
    ],
)
def test_a_broken_rule_is_named_and_nothing_is_written(
    cwm_agent: Command, scored: Run, tmp_path: Path, damage: Callable[[Run], None], rule: str
) -> None:
    damage(scored)
    done = cwm_agent("export", "first", *ENTRY, "--out", str(tmp_path / "out"))
    assert done.returncode == ExitCode.USAGE
    assert rule in done.stderr
    assert not (tmp_path / "out").exists()


def test_all_problems_are_named_at_once(cwm_agent: Command, scored: Run) -> None:
    done = cwm_agent("export", "first", "--format", "leaderboard", "--date", "24.11.2026")
    assert done.returncode == ExitCode.USAGE
    for part in ("--name", "--site must be", "--report must be", "YYYYMMDD", "say --split"):
        assert part in done.stderr


def test_failures_of_the_infrastructure_are_not_submitted(
    cwm_agent: Command, scored: Run, tmp_path: Path
) -> None:
    lines = json.loads((scored.folder / "report.json").read_text())["lines"]
    lines[2]["outcome"] = "infrastructure"
    spoil(scored, lines=lines)
    done = cwm_agent("export", "first", *ENTRY)
    assert "a__x-2 could not be graded: run cwm-agent score again" in done.stderr


def test_each_sample_has_a_file_and_one_can_be_submitted(
    cwm_agent: Command, store: Store, tmp_path: Path
) -> None:
    run = make_run(store, INFO, "first", OUTCOMES, samples=2)
    rows = str(write_rows(tmp_path))
    cwm_agent("score", "first", "--dataset", rows)
    names = cwm_agent("export", "first").stdout.split()
    assert [Path(name).name for name in names] == ["all_preds.jsonl", "all_preds.1.jsonl"]
    files = [(run.folder / Path(name).name).read_text().splitlines() for name in names]
    assert [[json.loads(line)["instance_id"] for line in lines] for lines in files] == [
        list(OUTCOMES)
    ] * 2
    (one,) = cwm_agent("export", "first", "--sample", "1").stdout.split()
    assert Path(one).name == "all_preds.1.jsonl"
    assert "choose with --sample" in cwm_agent("export", "first", *ENTRY).stderr
    assert (
        "there is no sample 5; the run has 0, 1"
        in cwm_agent("export", "first", "--sample", "5").stderr
    )
    arguments = (*ENTRY, "--sample", "1", "--best-of-several", "--out", str(tmp_path / "out"))
    folder = Path(cwm_agent("export", "first", *arguments).stdout.strip())
    assert "Is a best@k submission" in (folder / "README.md").read_text()


def test_an_unknown_format(cwm_agent: Command, scored: Run) -> None:
    assert "use preds, leaderboard" in cwm_agent(
        "export", "first", "--format", "pdf"
    ).stderr  # fmt: skip
