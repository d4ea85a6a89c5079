"""The loop writes every word down, and goes on after any kind of end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from notebook import STARTED, Notebook, recording

from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.rollout import Trajectory, finished, last_patch, rollout, settle
from cwm_agent.policies.replay import ReplayPolicy
from envs.issue.modes import switches
from results.journal import Journal, read_journal
from results.records import (
    AttemptStarted,
    Ended,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    Snapshot,
    Submitted,
    ToolRan,
)

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[3]


def play(folder: Path, *replies: str, interrupt: Interrupt | None = None) -> Trajectory:
    with Journal(folder / "events.jsonl") as journal:
        return rollout(
            ReplayPolicy(recording(*replies)),
            Notebook(folder / "page"),
            journal,
            started=STARTED,
            seed=0,
            interrupt=interrupt or Interrupt(),
        )


def journal(folder: Path) -> list[Event]:
    return [entry.event for entry in read_journal(folder / "events.jsonl")]


def kinds(folder: Path) -> list[str]:
    return [type(event).__name__ for event in journal(folder)]


def test_a_turn_is_reply_then_what_happened_then_what_the_policy_was_told(tmp_path: Path) -> None:
    trajectory = play(tmp_path, "one", "end")
    assert kinds(tmp_path) == [
        *("AttemptStarted", "Observed"),
        *("Replied", "ToolRan", "Snapshot", "Observed"),
        *("Replied", "ToolRan", "Snapshot", "Ended"),
    ]
    assert tuple(journal(tmp_path)) == trajectory.events
    assert (trajectory.reason, trajectory.patch, trajectory.turns) == ("submitted", "one\nend\n", 2)
    assert trajectory.completion_tokens == 2  # "one" and "end", four characters a token


def test_the_last_result_is_kept_though_no_reply_follows(tmp_path: Path) -> None:
    play(tmp_path, "one", "full")
    last_result, ended = journal(tmp_path)[-2:]
    assert last_result == Observed((Message("tool: write", "wrote line 2"),))
    assert isinstance(ended, Ended)
    assert ended.reason == "turn_limit"


def test_watchers_see_each_event_after_it_is_in_the_journal(tmp_path: Path) -> None:
    seen = []
    with Journal(tmp_path / "events.jsonl") as log:
        rollout(
            ReplayPolicy(recording("one", "end")),
            Notebook(tmp_path / "page"),
            log,
            started=STARTED,
            seed=0,
            interrupt=Interrupt(),
            watch=lambda event: seen.append((event, read_journal(log.path)[-1].event)),
        )
    assert len(seen) == 10
    assert all(event == newest for event, newest in seen)


def test_a_recording_that_is_too_short_ends_the_attempt_and_a_longer_one_goes_on(
    tmp_path: Path,
) -> None:
    short = play(tmp_path, "one")
    assert (short.reason, short.patch) == ("policy_error", "one\n")
    assert "ended after 1 replies" in short.detail
    assert "add the missing replies" in short.detail
    longer = play(tmp_path, "one", "two", "end")
    assert (longer.reason, longer.patch, longer.turns) == ("submitted", "one\ntwo\nend\n", 3)


def test_a_lost_sandbox_ends_the_attempt_and_the_reply_is_acted_on_again(tmp_path: Path) -> None:
    lost = play(tmp_path, "one", "lost")
    assert (lost.reason, lost.detail) == (
        "sandbox_error",
        "the notebook is lost; find it and resume",
    )
    assert lost.patch == "one\n"
    again = play(tmp_path, "one", "lost")
    assert again.reason == "sandbox_error"
    assert again.turns == 2  # the reply in flight was kept, not asked for again


def test_the_model_is_told_after_its_own_turn_that_it_was_interrupted(tmp_path: Path) -> None:
    play(tmp_path, "one")
    play(tmp_path, "one", "end")
    told = [event for event in journal(tmp_path) if isinstance(event, Observed)]
    assert told[-1].messages == (Message("user", "You were interrupted."),)


def test_first_ctrl_c_finishes_the_turn(tmp_path: Path) -> None:
    with Interrupt() as interrupt:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        trajectory = play(tmp_path, "wait 1", "two", "end", interrupt=interrupt)
    assert trajectory.reason == "interrupted"
    assert trajectory.patch == "wait 1\n"
    assert kinds(tmp_path)[-2:] == ["Observed", "Ended"]
    assert play(tmp_path, "wait 0", "two", "end").patch == "wait 1\ntwo\nend\n"


def test_second_ctrl_c_stops_in_the_middle_of_the_turn(tmp_path: Path) -> None:
    levels: list[int] = []
    with Interrupt(levels.append) as interrupt:
        for after in (0.3, 0.6):
            threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
        trajectory = play(tmp_path, "wait 60", "end", interrupt=interrupt)
    assert levels == [1, 2]
    assert (trajectory.reason, trajectory.turns) == ("interrupted", 1)
    assert kinds(tmp_path)[-2:] == ["Replied", "Ended"]


def test_the_shield_lets_a_journal_line_be_finished() -> None:
    steps = []

    def interrupted_while_writing(interrupt: Interrupt) -> None:
        with interrupt.shield():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)
            steps.append("written")
        steps.append("not reached")

    with Interrupt() as interrupt, pytest.raises(KeyboardInterrupt):
        interrupted_while_writing(interrupt)
    assert steps == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_kill_dash_9_in_the_middle_of_a_turn_loses_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent(
        f"""
        import sys
        from pathlib import Path
        sys.path[:0] = [{str(ROOT)!r}, {str(HERE)!r}, {str(HERE.parent)!r}]
        from test_rollout import play
        play(Path({str(tmp_path)!r}), "one", "wait 60", "end")
        """
    )
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            path = tmp_path / "events.jsonl"
            if path.exists() and kinds(tmp_path).count("Replied") == 2:
                break
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert kinds(tmp_path)[-1] == "Replied"
    # The recording's second reply is not asked for again: the journal's own one is acted on.
    with Journal(tmp_path / "events.jsonl") as log:
        settled, in_flight = settle(log.events)
    assert in_flight is not None
    assert in_flight.reply.text == "wait 60"
    assert len([event for event in settled if isinstance(event, Replied)]) == 1


def test_what_a_killed_process_wrote_of_its_last_turn_is_void() -> None:
    reply = Replied(1, Reply("one"))
    partial = ToolRan(1, "write", True, 0.0)
    opening = Observed((Message("user", "Begin."),))
    again: AttemptStarted = STARTED
    told = Observed((Message("tool: write", "wrote"),))
    crashed: list[Event] = [STARTED, opening, reply, partial]
    assert settle(crashed) == ((STARTED, opening), reply)
    resumed = settle([*crashed, again])
    assert resumed == ((STARTED, opening, again), reply)
    finished = settle([*crashed, again, partial, told])
    assert finished == ((STARTED, opening, again, reply, partial, told), None)
    paused = Ended("interrupted")
    assert settle([*crashed, again, partial, told, paused])[1] is None


def test_a_journal_cut_off_anywhere_leads_to_the_same_end(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    play(tmp_path / "whole", "one", "two", "end")
    lines = (tmp_path / "whole" / "events.jsonl").read_bytes().splitlines(keepends=True)
    for kept in range(len(lines)):
        for torn in (b"", lines[kept][: len(lines[kept]) // 2]):
            folder = tmp_path / f"{kept}-{len(torn)}"
            folder.mkdir()
            (folder / "events.jsonl").write_bytes(b"".join(lines[:kept]) + torn)
            trajectory = play(folder, "one", "two", "end")
            assert (trajectory.reason, trajectory.patch) == ("submitted", "one\ntwo\nend\n")
            assert [event.turn for event in journal(folder) if isinstance(event, Replied)] == [
                1,
                2,
                3,
            ]


def test_a_finished_journal_gives_the_patch_that_counted(tmp_path: Path) -> None:
    opening: list[Event] = [STARTED, Observed((Message("user", "Begin."),))]
    tree = Snapshot(1, "tree", "diff of the tree", "/")
    handed_in = Submitted(1, "diff handed in")
    limit, done = Ended("turn_limit"), Ended("submitted")

    def patch(mode: str, *events: Event) -> str | None:
        trajectory = finished([*opening, *events], switches(mode))
        return trajectory.patch if trajectory else None

    assert patch("improved", tree) is None
    assert patch("improved", tree, Ended("interrupted")) is None
    assert patch("improved", tree, limit) == "diff of the tree"
    assert patch("faithful", tree, limit) == ""
    assert patch("improved", handed_in, tree, limit) == "diff handed in"
    assert patch("faithful", handed_in, tree, limit) == ""
    assert patch("faithful", handed_in, tree, done) == "diff handed in"


def test_the_last_patch_has_the_form_in_which_it_is_handed_in() -> None:
    plain = Snapshot(1, "tree", "bytes", "/testbed")
    converted = Snapshot(2, "tree", "bytes", "/testbed", patch="git's form")
    assert last_patch([plain]) == "bytes"
    assert last_patch([plain, converted]) == "git's form"
    assert last_patch([converted, Submitted(3, "submitted")]) == "submitted"
