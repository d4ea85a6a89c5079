"""`cwm-agent ls`: one line an attempt, the newest run first."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cwm_agent.view.listing import age
from results.records import AttemptStarted, RunInfo
from results.store import Attempt, Store

Command = Callable[..., subprocess.CompletedProcess[str]]


def test_finished_running_killed_and_damaged_attempts(
    cwm_agent: Command, store: Store, finished: Attempt
) -> None:
    run = store.create(RunInfo("2026-11-22T11:00:00Z", ()), "second")
    started = AttemptStarted("b", 0, "replay", "docker", "default", "faithful", 1, "boot")
    with run.attempt("killed").journal() as journal:
        journal.append(started)
    run.attempt("early").journal().close()
    run.attempt("damaged").journal().close()
    (run.folder / "damaged" / "0" / "events.jsonl").write_text("{}\n")
    with run.attempt("running").journal():
        done = cwm_agent("ls")
        table = json.loads(cwm_agent("ls", "--json").stdout)
    assert done.returncode == 0
    lines = [" ".join(line.split()[:5]) for line in done.stdout.splitlines()]
    assert lines == [
        "run instance policy exit verdict",
        "second damaged #0 damaged -",
        "second early #0 not begun",
        "second b #0 replay killed",
        "second running #0 running -",
        "first flask-4010 #0 replay submitted",
    ]
    assert [(row["run"], row["exit_reason"], row["live"], row["turns"]) for row in table] == [
        ("second", None, False, 0),
        ("second", None, False, 0),
        ("second", None, False, 0),
        ("second", None, True, 0),
        ("first", "submitted", False, 2),
    ]
    assert "events.jsonl, line 1" in table[0]["problem"]
    (run.folder / "damaged" / "0" / "events.jsonl").write_text("")
    assert cwm_agent("view", "second", "-i", "early").stdout == "early #0: not begun\n"
    assert (table[4]["resolved"], table[4]["verdict"]) == (False, "unresolved")


def test_what_cannot_be_read_is_named(cwm_agent: Command, store: Store) -> None:
    for name in ("damaged", "pipe"):
        (store.root / name).mkdir(parents=True)
    (store.root / "damaged" / "run.json").write_text("{")
    os.mkfifo(store.root / "pipe" / "run.json")
    done = cwm_agent("ls")
    assert (done.returncode, done.stdout) == (0, "")
    warnings = done.stderr.splitlines()
    assert [line.split()[0] for line in warnings] == ["warning:"] * 2
    assert sorted(line.split("/")[-2] for line in warnings) == ["damaged", "pipe"]


def test_no_runs(cwm_agent: Command) -> None:
    done = cwm_agent("ls")
    assert (done.returncode, done.stdout) == (0, "")
    assert "no runs yet" in done.stderr
    assert json.loads(cwm_agent("ls", "--json").stdout) == []


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59, "59s"), (61, "1m 1s"), (3700, "1h 1m"), (90000, "1d 1h")],
)
def test_age(seconds: int, shown: str) -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    since = (now - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    assert age(since, now) == shown
