"""The Patch tab: what was handed in, and the reference patch behind its key."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from driving import drive, screen_text
from made import PATCH, add_attempt
from textual.pilot import Pilot

from cwm_agent.batch.manifest import BatchRecord, begin
from cwm_agent.commands.viewing.reference import References
from cwm_agent.generated.reference import reference
from cwm_agent.generated.repository import named_task
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.job import Job, write_job
from cwm_agent.view.app.app import ViewerApp
from cwm_agent.view.sources.runs import RunSource
from results.records import RunInfo
from results.store import Run, Store

GOLD = PATCH.replace("x.py", "y.py") + PATCH.replace("+new", "+newer")
ROW = {
    "instance_id": "flask-4010", "repo": "pallets/flask", "base_commit": "0" * 40, "patch": GOLD,
    "problem_statement": "Names may be empty.", "test_patch": "", "version": "2.0",
    "FAIL_TO_PASS": "[]", "PASS_TO_PASS": "[]", "image": "swebench/x", "eval_script": "true",
    "log_parser": "pytest", "eval_type": "pass_and_fail", "environment_setup_commit": "0" * 40,
    "hints_text": "", "created_at": "2021", "difficulty": "",
}  # fmt: skip


def show_reference(run: Run, instance: str) -> str:
    """The screen of the Patch tab after `d`, and again after a second one."""
    seen = []

    async def test(pilot: Pilot[None], app: ViewerApp) -> None:
        app.main.choose((run.name, instance, 0))
        await pilot.pause(0.4)
        await pilot.press("enter", "2")
        assert any("hidden: d shows it" in line for line in screen_text(app))
        await pilot.press("d")
        for _ in range(100):
            await pilot.pause(0.05)
            if "is being read" not in "\n".join(screen_text(app)):
                break
        seen.append("\n".join(screen_text(app)))
        await pilot.press("d")
        assert any("hidden: d shows it" in line for line in screen_text(app))

    drive(run, test, reference_of=References({run.name: run.folder}))
    return seen[0]


def test_the_reference_patch_comes_from_the_rows_that_the_run_was_made_of(
    run: Run, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(ROW) + "\n")
    begin(run, BatchRecord(str(rows), 1, dataset=str(rows)))
    shown = show_reference(run, "flask-4010")
    assert "reference  2 files  +2 -2" in shown
    assert "+newer" in shown
    assert "files of the reference touched: 1 of 2; left alone: y.py" in shown
    assert "none is known here" in show_reference(run, "django-1")


@pytest.mark.slow
def test_a_generated_task_has_the_code_before_its_bug_as_reference(tmp_path: Path) -> None:
    task = named_task("seen/17")
    run = Store(tmp_path / "runs").create(RunInfo("2026-11-22T10:00:00Z", ()), "nano")
    add_attempt(run, "nano-seen-17", 0)
    folder = run.find("nano-seen-17").folder
    choice = PolicyChoice("embedded", "nano")
    write_job(folder, Job("nano-seen-17", task.issue.text, choice, "bubblewrap"))
    (row,) = RunSource(run).rows()
    gold = References({run.name: run.folder})(row)
    (tmp_path / "code").mkdir()
    for path, text in task.files.items():
        (tmp_path / "code" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / path).write_text(text)
    subprocess.run(["git", "apply"], input=gold, text=True, check=True, cwd=tmp_path / "code")
    for path, text in task.right_files.items():
        assert (tmp_path / "code" / path).read_text() == text
    assert gold != ""
    assert reference("nano-seen-17", "another issue") == ""


def test_without_a_data_set_the_tab_says_so_and_an_unreadable_one_is_named(run: Run) -> None:
    assert "reference  none is known here" in show_reference(run, "flask-4010")
    begin(run, BatchRecord("gone.jsonl", 1, dataset="/nowhere/gone.jsonl"))
    assert "cannot read /nowhere/gone.jsonl" in show_reference(run, "flask-4010")
