"""`cwm-agent doctor`: a table for people, JSON for programs, an exit code for scripts."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., subprocess.CompletedProcess[str]]

NAMES = {
    "python", "git", "docker", "bubblewrap", "orphans", "runs folder", "runs disk", "open files",
    "clock", "torch", "triton", "hugging face", "checkpoint",
}  # fmt: skip


def test_json_names_every_check_and_agrees_with_the_exit_code(cwm_agent: Command) -> None:
    done = cwm_agent("doctor", "--json")
    report = json.loads(done.stdout)
    assert {check["name"] for check in report["checks"]} >= NAMES
    failed = [check for check in report["checks"] if check["status"] == "fail"]
    assert report["ready"] is (not failed)
    assert done.returncode == (4 if failed else 0)
    assert all(check["remedy"] for check in report["checks"] if check["status"] != "ok")


def test_a_machine_without_any_sandbox_is_not_ready(cwm_agent: Command, tmp_path: Path) -> None:
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    done = cwm_agent("doctor", PATH=str(tmp_path / "bin"), DOCKER_HOST=f"unix://{tmp_path}/none")
    assert done.returncode == 4
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("fail")] == [
        "docker",
        "bubblewrap",
    ]
    assert "\x1b" not in done.stdout
    assert sum(line.strip().startswith("→") for line in lines) >= 2
