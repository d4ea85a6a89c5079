"""What a run looks like on a terminal and in a log."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.runner import Runner
from cwm_agent.batch.screen import drawn, screen
from cwm_agent.batch.status import Status, StatusReporter, line
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


def shown(status: Status, lines: int = 40) -> str:
    target = Console(file=io.StringIO(), width=100, height=lines)
    with target.capture() as captured:
        target.print(drawn(status, target))
    return captured.get()


def test_an_instance_id_cannot_write_to_the_terminal() -> None:
    status = reporter(clock=1.0, instance="a\x1b]0;owned\x07\nb").status()
    assert "a␛]0;owned␇␊b/0" in shown(status)


def test_a_terminal_shows_what_each_attempt_waits_for_and_for_how_long() -> None:
    head, bar, busy = shown(reporter(clock=1000.0).status()).splitlines()
    assert head.split() == ["first", "▶", "running", "2", "workers", "▶", "1", "·", "2",
                            "0", "tok/s"]  # fmt: skip
    assert bar.split()[1:4] == ["0/3", "1", "turn,"]
    assert busy.split() == ["▶", "astropy-12907/0", "1", "bash", "pytest", "-q", "␛]0;owned␇",
                            "90", "s"]  # fmt: skip


def test_a_log_gets_one_plain_line_now_and_then() -> None:
    log = io.StringIO()
    with screen(reporter(clock=1000.0), log, every=0) as seen:
        seen.refresh()
        seen.say("finishing the turns")
    first, second = log.getvalue().splitlines()
    assert first.startswith("running 0/3: 2 waiting, 1 running, 0 judging")
    assert first.endswith("longest silent astropy-12907/0 90 s")
    assert second == "finishing the turns"
    log = io.StringIO()
    with screen(reporter(clock=1000.0), log) as seen:
        seen.refresh()
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
    assert "360 tok/s  KV 42%" in shown(status)
    assert "embedded:a  3 running, 1 waiting  300 tok/s  KV 42%" in shown(status)
    assert "http://b  2 running, 0 waiting  60 tok/s" in shown(status)
    assert decode(Status, json.loads(json.dumps(encode(status)))) == status


def test_without_an_engine_replies_tell_the_speed_and_nothing_tells_the_memory() -> None:
    said = line(reporter(clock=1000.0).status())
    assert "1 turn, 0 tokens/s, " in said
    assert "KV" not in said


def test_a_small_terminal_counts_what_it_has_no_room_for() -> None:
    status = reporter(clock=1000.0).status()
    many = replace(status, active=status.active * 30)
    lines = shown(many, lines=10).splitlines()
    assert len(lines) == 9
    assert lines[-1] == " 24 more at work"
