"""What a run looks like on a terminal and in a log."""

from __future__ import annotations

import io
import json

from rich.console import Console

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import screen
from cwm_agent.batch.status import Status, StatusReporter, line, table
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.job import Job
from model.stats import EngineStats
from results.codec import decode, encode
from results.records import AttemptResult, AttemptStarted, Observed, Replied, Reply

STARTED = AttemptStarted("a", 0, "replay", "bubblewrap", "default", "improved", 1, "boot")
CALL = Reply("<tool: bash>\npytest -q \x1b]0;owned\x07\n</tool>", ids=(1, 2, 3))


def never(attempt: AttemptState) -> AttemptResult:
    raise AssertionError(attempt)


class Engines:
    """Two engines whose counters grow by 300 and 60 tokens a second."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> dict[str, EngineStats]:
        return {
            "embedded:a": EngineStats(1000 * self.now, 50, 300 * self.now, 3, 1, 0.42),
            "http://b": EngineStats(0, 0, 60 * self.now, 2, 0, None),
        }


def reporter(*, clock: float, instance: str = "astropy-12907") -> StatusReporter:
    job = Job(instance, "issue", PolicyChoice("replay", "x"), "bubblewrap")
    attempts = [AttemptState(job, sample) for sample in range(3)]
    runner = Runner(attempts, never, workers=2)
    for event in (STARTED, Observed(()), Replied(1, CALL)):
        attempts[0].watch(event)
    attempts[0].state, attempts[0].since = "running", clock - 90
    runner._active[attempts[0]] = None  # type: ignore[assignment]
    return StatusReporter("first", runner, clock=lambda: clock)


def test_an_instance_id_cannot_write_to_the_terminal() -> None:
    target = Console(file=io.StringIO(), width=100)
    status = reporter(clock=1.0, instance="a\x1b]0;owned\x07\nb").status()
    with target.capture() as captured:
        target.print(table(status))
    assert "a␛]0;owned␇␊b/0" in captured.get()


def test_a_terminal_shows_what_each_attempt_waits_for_and_for_how_long() -> None:
    target = Console(file=io.StringIO(), width=100)
    with target.capture() as captured:
        target.print(table(reporter(clock=1000.0).status()))
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
    with screen(reporter(clock=1000.0), log, every=0) as shown:
        shown.refresh()
        shown.say("finishing the turns")
    first, second = log.getvalue().splitlines()
    assert first.startswith("running 0/3: 2 waiting, 1 running, 0 judging")
    assert first.endswith("longest silent astropy-12907/0 90 s")
    assert second == "finishing the turns"
    log = io.StringIO()
    with screen(reporter(clock=1000.0), log) as shown:
        shown.refresh()
    assert log.getvalue() == ""


def test_engines_say_how_fast_they_go_and_how_full_they_are() -> None:
    engines = Engines()
    runner = Runner([], never, workers=2)
    looking = StatusReporter("first", runner, engines, clock=lambda: engines.now)
    assert looking.status().tokens_per_second == 0
    engines.now = 10
    status = looking.status()
    assert status.tokens_per_second == 360.0
    assert [engine.prefill_per_second for engine in status.engines] == [1000.0, 0.0]
    assert "0 turns, 360 tokens/s (prefill 1000), KV 42%, " in line(status)
    target = Console(file=io.StringIO(), width=100)
    with target.capture() as captured:
        target.print(table(status))
    assert "embedded:a  3 running, 1 waiting  300 tokens/s  KV 42%" in captured.get()
    assert "http://b    2 running, 0 waiting  60 tokens/s" in captured.get()
    assert decode(Status, json.loads(json.dumps(encode(status)))) == status


def test_without_an_engine_replies_tell_the_speed_and_nothing_tells_the_memory() -> None:
    shown = line(reporter(clock=1000.0).status())
    assert "1 turns, 0 tokens/s, " in shown
    assert "KV" not in shown
