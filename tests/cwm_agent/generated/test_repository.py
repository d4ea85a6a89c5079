"""Repositories of generated tasks on disk."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cwm_agent.generated.repository import repository_once
from cwm_agent.generated.task import draw_task


def test_several_that_ask_at_once_get_one_whole_repository(tmp_path: Path) -> None:
    task = draw_task("many", "seen")

    def ask(_: int) -> str:
        folder = repository_once(task, tmp_path / "deep" / "repository")
        git = ["git", "-C", str(folder), "status", "--porcelain"]
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {""}
    assert [path.name for path in (tmp_path / "deep").iterdir() if path.is_dir()] == ["repository"]
