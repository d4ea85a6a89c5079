"""What is exported: ATIF that its own package validates, pages on which nothing of others runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from atif import Trajectory as Atif

from cwm_agent.view.exports.formats import FORMATS, write_export
from cwm_agent.view.exports.markdown import fenced
from cwm_agent.view.foreign.read import read_file
from cwm_agent.view.trajectory.trajectory import (
    Action,
    Outcome,
    Spent,
    Step,
    Tokens,
    Trajectory,
)
from results.records import Message

EVIL = (
    "</pre></details><script>document.title='owned'</script><img src=x onerror=alert(1)>"
    "\x1b]52;c;b3duZWQ=\x07\x1b[2J\x00 \u202egnp.exe ``` [x](javascript:alert(1)) 漢e\u0301"
)
KNOWN = Trajectory(
    instance="a/b <i>",
    sample=2,
    policy=EVIL,
    opening=(Message("system", "S"), Message("user", EVIL)),
    steps=(
        Step(1, Action("bash", "bash", EVIL), thinking=EVIL, prose=EVIL, raw=EVIL,
             observation=EVIL, answered=True, exit_code=1, failure="exit",
             spent=Spent(1.0, 0.5), tokens=Tokens(3, 100, 50, 97, (1, 2, 3)),
             time="2026-11-22T10:00:00Z"),
        Step(2, Action("none", "", ""), raw="?", observation="No call.", answered=True, ok=False,
             failure="malformed"),
        Step(3, Action("edit", "edit", "f\n...", "f", "old", "new"), answered=True,
             observation="Done."),
    ),
    outcome=Outcome("submitted", over=True, resolved=False, patch=f"diff --git a/x b/x\n+{EVIL}\n"),
)  # fmt: skip


def test_atif_validates_and_is_read_back(tmp_path: Path) -> None:
    path = write_export("atif", KNOWN, tmp_path)
    document = Atif.model_validate_json(path.read_text())
    assert [step.source for step in document.steps] == ["system", "user", "agent", "agent", "agent"]
    assert document.steps[3].tool_calls is None
    assert document.steps[2].metrics.completion_token_ids == [1, 2, 3]
    (found,) = read_file(path)
    assert (found.instance, found.sample, found.outcome.resolved) == ("a/b <i>", 2, False)
    assert [step.action for step in found.steps[:2]] == [step.action for step in KNOWN.steps[:2]]
    assert found.steps[2].action.search == "old"
    assert [step.failure for step in found.steps] == ["exit", "malformed", None]


def test_mini_is_read_back(tmp_path: Path) -> None:
    (found,) = read_file(write_export("mini", KNOWN, tmp_path))
    assert found.outcome.exit == "Submitted"
    assert [step.observation for step in found.steps] == [s.observation for s in KNOWN.steps]
    assert found.steps[1].failure == "malformed"


def test_an_empty_trajectory_can_be_written_in_every_format(tmp_path: Path) -> None:
    for name in FORMATS:
        assert write_export(name, Trajectory("none"), tmp_path).stat().st_size > 0
    Atif.model_validate_json((tmp_path / "none.0.atif.json").read_text())


def test_the_page_holds_no_markup_of_others(tmp_path: Path) -> None:
    page = write_export("html", KNOWN, tmp_path).read_text()
    assert re.findall(r"<(script|img|iframe|link|object)\b", page) == ["script"]
    assert "onerror=alert" in page.replace("&#x27;", "'")
    assert not re.search(r"<[^>]*onerror", page)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert not re.search(r"(?:src|href)\s*=\s*['\"]?https?:", page)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium")
@pytest.mark.slow
def test_no_script_of_others_runs_in_a_browser(tmp_path: Path) -> None:
    path = write_export("html", KNOWN, tmp_path)
    shown = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"file://{path}"],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    assert "<title>owned" not in shown
    assert "a/b &lt;i&gt; #2" in shown
    assert shown.count("<script") == 1


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert fenced("a ````b").startswith("`````\n")
    assert json.dumps(fenced("x\x1b[2J")) == json.dumps("```\nx␛[2J\n```")
