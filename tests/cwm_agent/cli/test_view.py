"""`cwm-agent view`: an attempt as a person reads it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from results.records import Message, Observed, RunInfo
from results.store import Attempt, Store

ROOT = Path(__file__).parents[3]
Command = Callable[..., subprocess.CompletedProcess[str]]


def test_the_newest_run_is_shown_turn_by_turn(cwm_agent: Command, finished: Attempt) -> None:
    done = cwm_agent("view", "--plain")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("━━ flask-4010 #0 replay · bubblewrap · improved · prompts default")
    assert lines[1:5] == ["[system]", "│ You repair code.", "[user]", "│ Names may be empty."]
    assert lines[6:12] == [
        "── turn 1 3 tokens · context 1,234 (90 cached) · 2.5 s",
        "  thinking, 1 line folded (--think)",
        "<tool: bash>",
        "cat x.py",
        "</tool>",
        "▸ bash  exit 1  0.25 s  5,000 bytes dropped",
    ]
    assert "│ … 977 lines folded (--full)" in lines
    assert lines[-19:] == [
        "── turn 2 10 tokens · context 1,310 (0 cached) · 0.0 s",
        "<tool: submit>",
        "</tool>",
        "  working tree differs in 1 file, tree 0123456789ab",
        "  submitted a patch of 6 lines",
        "ended: submitted",
        "",
        "patch",
        "diff --git a/x.py b/x.py",
        "--- a/x.py",
        "+++ b/x.py",
        "@@ -1 +1 @@",
        "-old",
        "+new",
        "",
        "unresolved  submitted · 2 turns · 12.5 s · 30 tokens",
        "  fail to pass: 1 of 2",
        "    failed test_b␛[2J",
        "  pass to pass: 1 of 1",
    ]


def test_full_and_think_unfold(cwm_agent: Command, finished: Attempt) -> None:
    shown = cwm_agent("view", "first", "--full", "--think").stdout
    assert "  Look first.\n" in shown
    assert "│ line 500\n" in shown
    assert "folded" not in shown


def in_a_terminal(arguments: list[str], folder: Path, **extra: str) -> str:
    """What the command writes when its stdout is a (wide) terminal."""
    controller, terminal = pty.openpty()
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": "200", **extra,
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "cwm_agent", *arguments],
        cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        output = b""
        while True:
            try:
                part = os.read(controller, 65536)
            except OSError:  # how Linux says that the other side closed
                break
            if not part:
                break
            output += part
        assert process.wait(timeout=60) == 0
    os.close(controller)
    return output.decode()


def test_a_terminal_gets_our_colours_and_nothing_from_the_repository(
    tmp_path: Path, finished: Attempt
) -> None:
    shown = in_a_terminal(["view", "--plain", "--full"], tmp_path)
    assert "\x1b[32m+new" in shown
    assert "␛]0;owned␇red" in shown
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    plain = in_a_terminal(["view", "--plain"], tmp_path, NO_COLOR="1")
    assert "\x1b[3" not in plain


def test_json_holds_every_event_and_the_result(cwm_agent: Command, finished: Attempt) -> None:
    shown = json.loads(cwm_agent("view", "--json", "--content").stdout)
    assert shown["run"] == "first"
    (attempt,) = shown["attempts"]
    assert [event["kind"] for event in attempt["events"]] == [
        "attempt_started", "observed", "replied", "tool_ran", "observed", "replied", "snapshot",
        "submitted", "ended",
    ]  # fmt: skip
    assert attempt["result"]["verdict"]["fail_to_pass"] == {"test_a": True, "test_b\x1b[2J": False}
    assert attempt["live"] is False


@pytest.mark.parametrize("choice", [["--instance", "other"], ["--sample", "3"]])
def test_an_attempt_that_is_not_there(
    cwm_agent: Command, finished: Attempt, choice: list[str]
) -> None:
    done = cwm_agent("view", "first", *choice)
    assert done.returncode == 2
    assert done.stderr == "error: run first has no such attempt; it has flask-4010\n"


def test_an_attempt_that_was_killed_shows_its_last_snapshot(
    cwm_agent: Command, finished: Attempt
) -> None:
    (finished.folder / "result.json").unlink()
    lines = finished.events_path.read_bytes().splitlines(keepends=True)
    finished.events_path.write_bytes(b"".join(lines[:7]) + lines[7][:30])
    shown = cwm_agent("view").stdout
    assert shown.endswith("patch\n" + finished_patch(lines) + "\n")


def test_a_damaged_journal_is_shown_up_to_the_damage(cwm_agent: Command, finished: Attempt) -> None:
    lines = finished.events_path.read_bytes().splitlines(keepends=True)
    finished.events_path.write_bytes(b"".join([*lines[:3], b"{}\n", *lines[4:]]))
    done = cwm_agent("view")
    assert done.returncode == 4
    assert "<tool: bash>" in done.stdout
    assert "events.jsonl, line 4: " in done.stderr


def finished_patch(lines: list[bytes]) -> str:
    return str(json.loads(lines[6])["data"]["diff"]).rstrip("\n")


def test_no_runs_yet(cwm_agent: Command) -> None:
    done = cwm_agent("view")
    assert done.returncode == 2
    assert done.stderr.startswith("error: there are no runs in runs; start one")


WRITER = """
    import os, sys
    from pathlib import Path
    from results.records import *
    from results.store import Store
    run = Store(Path(sys.argv[1])).open("live")
    attempt = run.attempt("task")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    with attempt.journal() as journal:
        journal.append(AttemptStarted("task", 0, "p", "s", "d", "improved", os.getpid(), boot))
        for turn in (1, 2, 3):
            print("ready", flush=True)
            sys.stdin.readline()
            journal.append(Replied(turn, Reply(f"answer {turn}")))
            journal.commit()
        journal.append(Ended("submitted"))
    print("ended", flush=True)
    sys.stdin.readline()  # scoring takes a while
    attempt.finish(AttemptResult("task", 0, "submitted", "", 3, 1.0, 0, 0, "p", "s", "improved",
                                 "d", resolved=True))
"""


def test_following_shows_each_turn_as_it_comes_and_waits_for_the_verdict(
    tmp_path: Path, store: Store
) -> None:
    store.create(RunInfo("2026-11-22T10:00:00Z", ()), "live")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(store.root)],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert writer.stdin is not None
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    viewer = subprocess.Popen(
        [sys.executable, "-m", "cwm_agent", "view", "--follow"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert viewer.stdout is not None
    seen = [viewer.stdout.readline()]
    for turn in (1, 2, 3):
        print("go", file=writer.stdin, flush=True)
        while seen[-1] != f"answer {turn}\n":
            seen.append(viewer.stdout.readline())
            assert seen[-1], "the viewer ended early"
        assert viewer.poll() is None
    print("go", file=writer.stdin, flush=True)
    rest = viewer.stdout.read()
    viewer.stdout.close()
    assert viewer.wait(timeout=60) == 0
    assert writer.wait(timeout=60) == 0
    assert "ended: submitted" in rest
    assert "resolved  submitted · 3 turns" in rest


def test_interrupting_a_follower_exits_with_130(tmp_path: Path, store: Store) -> None:
    run = store.create(RunInfo("2026-11-22T10:00:00Z", ()), "live")
    with run.attempt("task").journal() as journal:
        journal.append(Observed((Message("user", "Hello."),)))
        viewer = subprocess.Popen(
            [sys.executable, "-m", "cwm_agent", "view", "--follow"],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == "[user]\n"
        viewer.send_signal(signal.SIGINT)
        _, errors = viewer.communicate(timeout=60)
    assert viewer.returncode == 130
    assert errors == ""
