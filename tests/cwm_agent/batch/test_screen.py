"""What a run looks like on a terminal and in a log."""

from __future__ import annotations

import io

from rich.console import Console

from cwm_agent.batch.board import Board, table
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import screen
from cwm_agent.batch.ticket import Ticket
from cwm_agent.job import Job, PolicyChoice
from results.records import AttemptResult, AttemptStarted, Observed, Replied, Reply

STARTED = AttemptStarted("a", 0, "replay", "bubblewrap", "default", "improved", 1, "boot")
CALL = Reply("<tool: bash>\npytest -q \x1b]0;owned\x07\n</tool>", ids=(1, 2, 3))


def never(ticket: Ticket) -> AttemptResult:
    raise AssertionError(ticket)


def board(*, clock: float) -> Board:
    job = Job("astropy-12907", "issue", PolicyChoice("replay", "x"), "bubblewrap")
    tickets = [Ticket(job, sample) for sample in range(3)]
    runner = Runner(tickets, never, workers=2)
    for event in (STARTED, Observed(()), Replied(1, CALL)):
        tickets[0].watch(event)
    tickets[0].state, tickets[0].since = "running", clock - 90
    runner._active[tickets[0]] = None  # type: ignore[assignment]
    return Board("first", runner, clock=lambda: clock)


def test_a_terminal_shows_what_each_attempt_waits_for_and_for_how_long() -> None:
    target = Console(file=io.StringIO(), width=100)
    with target.capture() as captured:
        target.print(table(board(clock=1000.0).status()))
    shown = captured.get()
    assert "first (running)" in shown
    assert "0/3" in shown
    assert "astropy-12907/0  turn 1" in shown
    assert "bash pytest -q" in shown
    assert "90 s" in shown
    assert "\x1b]" not in shown
    assert "\x07" not in shown


def test_a_log_gets_one_plain_line_now_and_then() -> None:
    log = io.StringIO()
    with screen(board(clock=1000.0), log, every=0) as shown:
        shown.refresh()
        shown.say("finishing the turns")
    first, second = log.getvalue().splitlines()
    assert first.startswith("running 0/3: 2 waiting, 1 running, 0 judging")
    assert first.endswith("longest silent astropy-12907/0 90 s")
    assert second == "finishing the turns"
    log = io.StringIO()
    with screen(board(clock=1000.0), log) as shown:
        shown.refresh()
    assert log.getvalue() == ""
