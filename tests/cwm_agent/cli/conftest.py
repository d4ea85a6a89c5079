"""Runs on disk for the commands that read them, made through the real writers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cwm_agent.cli.main import run
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    RunInfo,
    Snapshot,
    Submitted,
    ToolRan,
    Verdict,
)
from results.store import Attempt, Store

PATCH = "diff --git a/x.py b/x.py\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new\n"
STARTED = AttemptStarted("flask-4010", 0, "replay", "bubblewrap", "default", "improved", 1, "boot")
LONG = "\n".join(f"line {number}" for number in range(1000))

EVENTS: tuple[Event, ...] = (
    STARTED,
    Observed((Message("system", "You repair code."), Message("user", "Names may be empty."))),
    Replied(
        1,
        Reply(
            "<think>\nLook first.\n</think>\n\n<tool: bash>\ncat x.py\n</tool>",
            ids=(1, 2, 3), prompt_tokens=100, cached_tokens=90, context_tokens=1234, seconds=2.5,
        ),
    ),
    ToolRan(1, "bash", ok=True, seconds=0.25, ending="exited", exit_code=1, dropped_bytes=5000),
    Observed((Message("tool: bash", LONG + "\n\x1b]0;owned\x07\x1b[31mred\x1b[0m"),)),
    Replied(2, Reply("<tool: submit>\n</tool>", prompt_tokens=1300, context_tokens=1310)),
    Snapshot(2, "0123456789abcdef", PATCH, "/testbed"),
    Submitted(2, PATCH),
    Ended("submitted"),
)  # fmt: skip
RESULT = AttemptResult(
    "flask-4010", 0, "submitted", PATCH, 2, 12.5, 100, 30, "replay", "bubblewrap", "improved",
    "default", resolved=False,
    verdict=Verdict(False, {"test_a": True, "test_b\x1b[2J": False}, {"test_c": True}),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs")


@pytest.fixture
def finished(store: Store) -> Attempt:
    """A run with one attempt that submitted a patch which did not pass."""
    run = store.create(RunInfo("2026-11-22T10:00:00Z", ("cwm-agent", "solve")), "first")
    attempt = run.attempt("flask-4010")
    with attempt.journal() as journal:
        for event in EVENTS:
            journal.append(event)
    attempt.finish(replace(RESULT))
    return attempt


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cwm_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command line in an empty folder, away from the tester's own settings.

    In this process, because starting Python anew takes longer than most
    commands; test_main.py runs the real program.
    """
    for name in [name for name in os.environ if name.startswith("CWM_AGENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name, value in extra.items():
                patch.setenv(name, value)
            capfd.readouterr()
            code = run(arguments)
            captured = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, captured.out, captured.err)

    return call
