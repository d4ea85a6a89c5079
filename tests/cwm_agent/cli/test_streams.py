"""Standard streams that are closed, full, or read by somebody who leaves."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cwm_agent.streams import OutputError, ReaderGoneError, _Messages, _Output, _text
from results.store import Attempt

ROOT = Path(__file__).parents[3]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command line of bash in which `cwm-agent` is ours."""
    return subprocess.run(
        ["bash", "-c", f'cwm-agent() {{ "{sys.executable}" -m cwm_agent "$@"; }}\n{command}'],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(folder), "XDG_CONFIG_HOME": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


FULL = "error: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "code", "stderr"),
    [
        ("cwm-agent --version >/dev/full", 4, FULL),
        ("cwm-agent config show >/dev/full", 4, FULL),
        ("cwm-agent view first >/dev/full", 4, FULL),
        ("cwm-agent view first >&-", 0, ""),
        ("cwm-agent view first --json <&- >&- 2>&-", 0, ""),
        ("cwm-agent view none 2>/dev/full", 2, ""),
        ("set -o pipefail; cwm-agent view first --full | head -1 >/dev/null", 0, ""),
        ("set -o pipefail; cwm-agent ls | true", 0, ""),
        ("set -o pipefail; cwm-agent view --help | true", 0, ""),
        ("cd gone && rmdir ../gone && cwm-agent ls", 4,
         "error: the current folder no longer exists (No such file or directory); "
         "`cd` to one that does\n"),
    ],
)  # fmt: skip
def test_a_command_in_a_shell(finished: Attempt, command: str, code: int, stderr: str) -> None:
    folder = finished.folder.parents[3]
    (folder / "gone").mkdir()
    done = shell(command, folder)
    assert (done.returncode, done.stderr) == (code, stderr)


def pipe_without_a_reader() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_a_lost_output_is_told_once_and_then_dropped() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    for descriptor, kind in ((pipe_without_a_reader(), ReaderGoneError), (full, OutputError)):
        stream = _text(_Output(descriptor, "w"), None)
        print("a result", file=stream)
        with pytest.raises(kind):
            stream.flush()
        print("the next", file=stream, flush=True)
        stream.close()


def test_messages_that_nobody_can_take_stop_nothing() -> None:
    stream = _text(_Messages(pipe_without_a_reader(), "w"), sys.stderr)
    print("progress \udcff", file=stream, flush=True)
    stream.close()


def test_a_reader_that_is_slow_behind_a_non_blocking_pipe_gets_everything() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    child = subprocess.Popen(["sh", "-c", "sleep 0.2; wc -c"], stdin=reading, stdout=-1, text=True)
    os.close(reading)
    stream = _text(_Output(writing, "w"), None)
    assert isinstance(stream, io.TextIOWrapper)
    print("x" * 300_000, file=stream, flush=True)
    stream.close()
    assert child.communicate(timeout=60)[0].strip() == "300001"
