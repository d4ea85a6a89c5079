"""Killed or interrupted at any point, an attempt goes on from its journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

from cases import (
    CHECK,
    CONVERSATION,
    EDIT,
    LOOK,
    SUBMIT,
    Solve,
    containers,
    end_sleep,
    fingerprint,
    slow,
    write_recording,
)

from results.records import AttemptStarted, Ended, Observed, Replied, ToolRan

TASK = ("add subtracts", "--repo", "repository", "--name", "run")
SLOW = (LOOK, EDIT, slow(3), CHECK, *SUBMIT)


def begin(solve: Solve, sandbox: str, *replies: str) -> subprocess.Popen[str]:
    recording = write_recording(solve.folder / "talk.yaml", *replies)
    return solve.start(*TASK, "--sandbox", sandbox, "--replay", recording)


def kinds(solve: Solve) -> list[str]:
    return [type(event).__name__ for event in solve.events("run")]


def test_after_kill_9_the_next_start_cleans_up_and_resume_finishes(
    solve: Solve, sandbox: str
) -> None:
    before = fingerprint(solve.repository)
    process = begin(solve, sandbox, *SLOW)
    solve.wait_for("run", Replied, 3, process)
    process.kill()
    process.communicate()
    assert kinds(solve)[-1] == "Replied"
    deadline = time.monotonic() + 20
    while containers("run"):  # it ends without its owner
        assert time.monotonic() < deadline
        time.sleep(0.1)

    other = solve("another issue", "--repo", "nowhere", "--replay", solve.folder / "talk.yaml")
    assert other.returncode == 2
    assert sandbox == "docker" or "removed an orphan" in other.stderr
    assert (containers("run"), solve.orphans()) == ([], [])

    answer = solve.json("--resume", "run")
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", len(SLOW))
    assert answer["patch"].count("\n+") == 2
    assert "+    return a + b" in answer["patch"]
    events = solve.events("run")
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2
    assert [event.turn for event in events if isinstance(event, Replied)] == [1, 2, 3, 4, 5, 6, 7]
    told = [event.messages for event in events if isinstance(event, Observed)]
    assert len(told[3]) == 2  # the result of the turn in flight, then the notice
    assert (containers("run"), solve.orphans()) == ([], [])
    assert fingerprint(solve.repository) == before


def test_ctrl_c_finishes_the_turn_saves_and_says_how_to_go_on(solve: Solve) -> None:
    process = begin(solve, "bubblewrap", *SLOW)
    solve.wait_for("run", Replied, 3, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert "finishing this turn" in stderr
    assert "solve --resume" in stderr
    assert "+    return a + b" in stdout  # the working tree so far
    assert kinds(solve)[-3:] == ["Snapshot", "Observed", "Ended"]
    assert solve.orphans() == []
    answer = solve.json("--resume", "run")
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", len(SLOW))


def test_ctrl_c_twice_stops_at_once_and_loses_only_the_turn(solve: Solve) -> None:
    process = begin(solve, "bubblewrap", LOOK, EDIT, slow(6), CHECK, *SUBMIT)
    solve.wait_for("run", Replied, 3, process)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "finishing this turn" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130, stderr
    assert "stopping now" in stderr
    assert kinds(solve)[-2:] == ["Replied", "Ended"]
    assert solve.orphans() == []
    result = next(solve.folder.glob("runs/run/*/0/result.json"))
    assert json.loads(result.read_text())["exit_reason"] == "interrupted"
    answer = solve.json("--resume", "run")
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", len(SLOW))


def test_a_person_interrupted_while_typing_goes_on_by_a_recording(solve: Solve) -> None:
    process = solve(
        "add subtracts",
        "--repo",
        "repository",
        "--name",
        "run",
        "--sandbox",
        "bubblewrap",
        "--human",
        input=f"{EDIT}\n.\nhalf a mess",
    )
    assert process.returncode == 130
    rest = write_recording(solve.folder / "talk.yaml", EDIT, *SUBMIT)
    answer = solve.json("--resume", "run", "--replay", rest)
    assert (answer["policy"], answer["turns"]) == ("replay:talk", 4)


def test_a_finished_run_and_a_running_one_are_not_resumed(solve: Solve) -> None:
    seconds = f"4242.{os.getpid()}"
    process = begin(solve, "bubblewrap", LOOK, EDIT, slow(seconds), *SUBMIT)
    solve.wait_for("run", ToolRan, 2, process)
    busy = solve("--resume", "run")
    assert (busy.returncode, "being written by another process" in busy.stderr) == (4, True)
    end_sleep(seconds)
    process.communicate()
    assert process.returncode == 0
    over = solve("--resume", "run")
    assert over.returncode == 2
    assert "run run has already ended (submitted)" in over.stderr


def test_an_attempt_that_ended_without_its_verdict_is_only_judged(solve: Solve) -> None:
    recording = write_recording(solve.folder / "talk.yaml", *CONVERSATION)
    solve.json(*TASK, "--sandbox", "bubblewrap", "--replay", recording)
    next(solve.folder.glob("runs/run/*/0/result.json")).unlink()
    before = solve.events("run")
    assert isinstance(before[-1], Ended)
    answer = solve.json("--resume", "run")
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", 7)
    assert "+    return a + b" in answer["patch"]
    assert solve.events("run") == before


def test_a_damaged_journal_goes_on_from_the_line_before(solve: Solve) -> None:
    short = write_recording(solve.folder / "short.yaml", *CONVERSATION[:3])
    assert solve(*TASK, "--sandbox", "bubblewrap", "--replay", short).returncode == 5
    (journal,) = solve.folder.glob("runs/run/*/0/events.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    last_reply = max(n for n, line in enumerate(lines) if b'"kind":"replied"' in line)
    lines[last_reply] = lines[last_reply].replace(b"replied", b"repl\x00ed")
    journal.write_bytes(damaged := b"".join(lines))

    full = write_recording(solve.folder / "full.yaml", *CONVERSATION)
    refused = solve("--resume", "run", "--replay", full)
    assert refused.returncode == 4
    assert f"line {last_reply + 1}: not valid JSON" in refused.stderr
    assert "--repair" in refused.stderr
    assert journal.read_bytes() == damaged

    answer = solve.json("--resume", "run", "--replay", full, "--repair")
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", len(CONVERSATION))
    assert "+    return a + b" in answer["patch"]
    assert journal.with_name("events.jsonl.damaged").read_bytes() == damaged
    assert solve("--repair", "an issue").returncode == 2
