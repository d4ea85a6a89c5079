"""`export` of single attempts: for people, and for the programs of others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cwm_agent.exit_codes import ExitCode
from results.store import Attempt

from .conftest import Command


@pytest.mark.parametrize(
    ("form", "suffix", "holds"),
    [
        ("html", ".html", "<title>flask-4010 #0</title>"),
        ("md", ".md", "# flask-4010 \\#0"),
        ("atif", ".atif.json", '"ATIF-v1.8"'),
        ("mini", ".traj.json", '"mini-swe-agent-1.1"'),
        ("svg", ".svg", "flask-4010"),
    ],
)
def test_an_attempt_is_written_in_each_format(
    cwm_agent: Command, finished: Attempt, tmp_path: Path, form: str, suffix: str, holds: str
) -> None:
    out = tmp_path / "out"
    done = cwm_agent("export", finished.folder.parents[1].name, "--format", form, "--out", str(out))
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    path = out / f"flask-4010.0{suffix}"
    assert done.stdout.splitlines() == [str(path)]
    assert holds in path.read_text("utf-8")


def test_trajectories_of_other_programs_are_converted(cwm_agent: Command, tmp_path: Path) -> None:
    said = [{"role": "user", "content": "Mend it."}, {"role": "assistant", "content": "Done."}]
    (tmp_path / "a.traj.json").write_text(
        json.dumps({"info": {}, "messages": said, "instance_id": "x-1"})
    )
    out = tmp_path / "out"
    done = cwm_agent("export", str(tmp_path / "a.traj.json"), "--format", "atif", "--out", str(out))
    assert done.returncode == ExitCode.SUCCESS, done.stderr
    document = json.loads((out / "x-1.0.atif.json").read_text())
    assert [step["message"] for step in document["steps"]] == ["Mend it.", "Done."]


def test_what_does_not_fit_is_refused(cwm_agent: Command, finished: Attempt) -> None:
    run = finished.folder.parents[1].name
    for options, says in (
        (["--format", "pdf"], "unknown format 'pdf'; use preds, leaderboard, html, md, atif"),
        (["--format", "md", "--instance", "none"], "has no such attempt"),
        (["--format", "md", "--best"], "nothing was chosen"),
        (["--instance", "flask-4010"], "--instance is for single attempts"),
    ):
        done = cwm_agent("export", run, *options)
        assert done.returncode == ExitCode.USAGE
        assert says in done.stderr
