"""Commands that misbehave in ways that tests/envs/sandboxes/test_shell.py does not cover."""

from __future__ import annotations

import threading
import time

import pytest
from injection import TIMEOUT, Places

from cwm_agent.view.sanitize import clean


@pytest.mark.parametrize("size", [100_000_000, pytest.param(1_000_000_000, marks=pytest.mark.slow)])
def test_a_very_long_line(places: Places, size: int) -> None:
    place = places()
    result = place.run(f"head -c {size} /dev/zero | tr '\\0' x", timeout=120.0)
    assert (result.ending, result.exit_code) == ("exited", 0)
    assert set(result.output) == {"x"}
    assert result.dropped_bytes + len(result.output) == size
    assert place.run("echo next", timeout=TIMEOUT).output == "next\n"


def test_escape_sequences_are_text_and_never_reach_a_terminal(places: Places) -> None:
    place = places()
    result = place.run(r"printf 'a\e]0;title\a\e[2J\x9b31m\xff\xc3b\r\n'", timeout=TIMEOUT)
    assert result.output == "a\x1b]0;title\x07\x1b[2J\ufffd31m\ufffd\ufffdb\r\n"
    assert not set(clean(result.output)) & set("\x1b\x07\x9b\r")


def test_a_daemon_that_holds_the_pipes_is_let_go(places: Places) -> None:
    place = places()
    result = place.run(
        "( (trap '' HUP TERM; sleep 3030; echo late) & ) & echo on", timeout=4 * TIMEOUT
    )
    assert (result.ending, result.output) == ("exited", "on\n")
    assert result.seconds < TIMEOUT
    assert place.run("echo next", timeout=TIMEOUT).output == "next\n"


def test_a_program_that_waits_for_a_person_is_named(places: Places) -> None:
    place = places()
    place.run("cp /bin/sleep /testbed/vim", timeout=TIMEOUT)
    result = place.run("/testbed/vim 100", timeout=0.5)
    assert (result.ending, result.cause) == ("timeout", "interactive")
    assert "vim" in result.programs


def test_the_first_process_survives_and_reaps(places: Places) -> None:
    place = places()
    place.run("for i in {1..20}; do (sleep 0.01 &) ; done; sleep 0.5", timeout=TIMEOUT)
    # Once a second; a busy machine may be late.
    reaped = "cat /proc/[0-9]*/stat 2>/dev/null | grep -q ') Z ' || break; sleep 0.2"
    waiting = f"for i in {{1..100}}; do {reaped}; done; echo $i"
    assert int(place.control(waiting, timeout=TIMEOUT).output) < 100
    assert place.run("kill -9 -1", timeout=TIMEOUT).ending != "lost"
    # `kill` spares the shell that calls it, but not what that shell hangs on: it ends with the
    # first command after it, or with the second.
    assert any(place.run("echo here", timeout=TIMEOUT).output == "here\n" for _ in range(3))


def test_waiting_for_the_shell_is_not_the_commands_time(places: Places) -> None:
    place = places()
    pids = place.run("echo $PPID $$", timeout=TIMEOUT).output.split()
    # One after the other: a supervisor that is still awake takes a stopped shell for an ended one.
    stop = "; ".join(
        f"kill -STOP {pid}; until grep -q ') T' /proc/{pid}/stat; do :; done" for pid in pids
    )
    go = "; ".join(f"kill -CONT {pid}" for pid in reversed(pids))
    place.control(f"{stop}; (sleep 7; {go}) &", timeout=TIMEOUT)
    result = place.run("echo now", timeout=6.0)
    assert (result.ending, result.output) == ("exited", "now\n")
    assert result.queued > 6.0 > result.seconds


def test_a_shell_reopened_after_a_timeout_keeps_folder_and_exports(places: Places) -> None:
    place = places()
    place.run("cd /usr; export KEPT='a b'", timeout=TIMEOUT)
    assert place.run("trap '' TERM; while :; do :; done", timeout=0.5).ending == "timeout"
    assert place.run("pwd; printenv KEPT", timeout=TIMEOUT).output == "/usr\na b\n"


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_jump_of_the_clock_moves_no_time_limit(
    places: Places, jump: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places()
    real = time.time
    timer = threading.Timer(0.3, lambda: monkeypatch.setattr(time, "time", lambda: real() + jump))
    timer.start()
    done = place.run("sleep 1; echo done", timeout=TIMEOUT)
    late = place.run("sleep 1000", timeout=1.0)
    timer.join()
    assert abs(time.time() - real()) > 80000
    assert (done.ending, done.output) == ("exited", "done\n")
    assert late.ending == "timeout"
    assert 0.9 <= done.seconds < TIMEOUT
    assert 0.9 <= late.seconds < TIMEOUT
