"""The real program in a real terminal: tmux, keys sent, the screen captured."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made import PATCH, add_attempt

from results.store import Run

ROOT = Path(__file__).parents[4]
SECONDS = 120
EVIL = (
    "\x1b]52;c;b3duZWQ=\x07\x1b]0;owned\x07\x1b[?1049l\x1b[2J\x1b[31mred [bold]x[/bold] \u202eabc"
)
MARKS = ("aa-hostile", "+␛]52;c", "fail to pass", "no ids recorded", "attempt begins",
         "c compares", "policy")  # fmt: skip
"""Something of each tab."""

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")


class Tmux:
    """A server of its own with one pane."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self(
            "new-session", "-d", "-x", "120", "-y", "40", "env PS1='ready$ ' COLUMNS=80 LINES=24 sh"
        )

    def __call__(self, *arguments: str) -> str:
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def until(self, mark: str) -> str:
        deadline = time.monotonic() + SECONDS
        while mark not in (shown := self("capture-pane", "-p")):
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)
        return shown


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    terminal = Tmux(tmp_path)
    yield terminal
    terminal("kill-server")


def test_keys_work_hostile_text_does_not_and_the_terminal_is_left_as_it_was(
    tmux: Tmux, run: Run
) -> None:
    patch = PATCH.replace("x.py", EVIL) + f"+{EVIL}\n"
    add_attempt(run, f"aa-hostile{EVIL}", 0, output=EVIL, exit_code=1, patch=patch)
    title = tmux("display-message", "-p", "#{pane_title}")
    tmux("send-keys", f"cd {ROOT} && {sys.executable} -m cwm_agent view {run.folder}", "Enter")
    tmux.until("test_b")
    tmux.until("▕")  # between two panes: the terminal's own size counts
    tmux("send-keys", "Enter", "!", "Enter")
    shown = tmux.until("[bold]x[/bold]")
    assert "␛]52;c;b3duZWQ=␇" in shown
    for number, mark in enumerate(MARKS, 1):
        tmux("send-keys", str(number))
        tmux.until(mark)
        assert tmux("display-message", "-p", "#{pane_title}") == title
        assert tmux("display-message", "-p", "#{alternate_on}") == "1\n"
    tmux("send-keys", "3")
    tmux.until("fail to pass")
    tmux("send-keys", "?")
    tmux.until("next line or row")
    tmux("send-keys", "q")  # closes the help; Escape and a key soon after it would be one key
    tmux.until("fail to pass")
    tmux("send-keys", "q")
    tmux.until("ready$")
    tmux("send-keys", "echo it''works", "Enter")
    shown = tmux.until("itworks")
    assert "fail to pass" not in shown
    assert tmux("display-message", "-p", "#{pane_title}") == title
    assert tmux("display-message", "-p", "#{alternate_on}") == "0\n"
    assert "owned" not in tmux("list-buffers")
