"""Walking a journal: what belongs to which turn, without a sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from cwm_agent.replay.patterns import RULES
from cwm_agent.replay.verdict import Findings
from cwm_agent.replay.walk import ReplayedTurn, Result, turns_of, walk
from envs.environment import Step
from results.records import (
    AttemptStarted,
    Ended,
    Event,
    Graded,
    Judged,
    Message,
    Observed,
    Replied,
    Reply,
    ToolRan,
    Verdict,
)

CALL = "<tool: bash>\nls\n</tool>"


def replayed_turn(recorded: str, now: str, reply: str = CALL) -> ReplayedTurn:
    return ReplayedTurn(1, reply, Result((Message("x", recorded),)), Result((Message("x", now),)))


def test_only_completed_turns_count() -> None:
    opening, result = Observed((Message("user", "go"),)), Observed((Message("tool: bash", "x"),))
    ran = ToolRan(1, "bash", True, 0.1)
    events: tuple[Event, ...] = (opening, Replied(1, Reply(CALL)), ran, result)
    assert turns_of(events) == 1
    assert turns_of((*events, Replied(2, Reply(CALL)), ran)) == 1
    assert turns_of((*events, Replied(2, Reply("done")), Ended("submitted"))) == 2


def test_words_before_a_call_do_not_loosen_the_comparison() -> None:
    thought = "I should find . and grep -r, then\nfind /x\n</think>\nLet me\nfind it.\n"
    assert not Findings().judge(replayed_turn("a\nb", "b\na", thought + CALL), RULES)
    found = Findings()
    assert found.judge(replayed_turn("a\nb", "b\na", "<tool: bash>\nfind .\n</tool>"), RULES)
    assert found.rules == {"line order": 1}


def test_an_end_that_the_clock_made_is_no_difference() -> None:
    before = Result((), exit="time_limit")
    assert Findings().judge(ReplayedTurn(1, "x", before, Result(())), RULES)
    findings = Findings()
    assert not findings.judge(
        ReplayedTurn(1, "x", Result(()), Result((), exit="token_limit")), RULES
    )
    assert findings.difference is not None
    assert (findings.difference.what, findings.difference.now) == ("end", "token_limit")


class OneTurn:
    """An environment whose limit is one turn."""

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        return ()

    def step(self, reply: Reply) -> Step:
        return Step((Message("tool: bash", "x"),), exit="turn_limit")

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "between",
    [
        (),
        (Graded(("right", "wrong"), (-0.1, -2.0), 9, 3, 8),),
        (Judged(Verdict(False)),),
    ],
    ids=["nothing", "grade", "verdict"],
)
def test_a_limit_ends_the_turn_whatever_was_written_before_the_end(between: Any) -> None:
    started = AttemptStarted("a", 0, "nano", "bubblewrap", "nano", "improved", 1, "boot")
    asked, result = Observed((Message("user", "go"),)), Observed((Message("tool: bash", "x"),))
    events = (started, asked, Replied(1, Reply(CALL)), result, *between, Ended("turn_limit"))
    *_, last = walk(events, lambda _: OneTurn())  # type: ignore[arg-type]
    assert (last.recorded.exit, last.now.exit) == ("turn_limit", "turn_limit")
    assert Findings().judge(last, RULES)
