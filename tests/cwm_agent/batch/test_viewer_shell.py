"""The viewer's `a` in a real terminal: a shell in the sandbox of a run that goes on, and back."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import Batch, write_suite

sys.path.insert(0, str(Path(__file__).parents[1] / "view" / "app"))

from test_terminal import SECONDS, Tmux

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sandbox", ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
)
def test_a_shell_in_the_sandbox_and_back(batch: Batch, tmp_path: Path, sandbox: str) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 2), seconds=20.0)
    command = ("run", suite, "--replay", recordings, "--sandbox", sandbox, "--name", "run")
    process = batch.start(*command, "--workers", 1, "--json")
    tmux = Tmux(tmp_path)
    try:
        batch.wait_for_turns("run", 1, process)
        exports = " ".join(
            f"{name}={shlex.quote(batch.environment[name])}" for name in ("PYTHONPATH", "TMPDIR")
        )
        program = shlex.quote(sys.executable)
        tmux(
            "send-keys", f"cd {batch.folder} && env {exports} {program} -m cwm_agent view", "Enter"
        )
        tmux.until("running 1 workers")
        tmux("send-keys", "a")
        until(lambda: tmux("display-message", "-p", "#{alternate_on}") == "0\n")
        tmux("send-keys", "echo in''side; git log --oneline | wc -l; pwd; cat .git/HEAD", "Enter")
        shown = tmux.until("ref: refs/")
        assert "inside" in shown
        assert "/testbed" in shown
        tmux("send-keys", "exit", "Enter")
        tmux.until("running 1 workers")
        tmux("send-keys", "X", "y")
        tmux.until("interrupted")
        tmux("send-keys", "q")
        tmux.until("ready$")
    finally:
        tmux("kill-server")
        process.terminate()
        process.communicate(timeout=120)
