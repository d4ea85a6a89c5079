"""Counting turns, tokens and seconds, also across an interruption."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.issue.budget import PREFIX_TOKENS, Budget, Limits
from results.records import Event, Message, Observed, Replied, Reply, ToolRan


class Characters:
    def count(self, text: str) -> int:
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def tail(self, text: str, tokens: int) -> str:
        return text[len(text) - tokens :]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(clock: Clock | None = None, **limits: Any) -> Budget:
    return Budget(Limits(**limits), Characters(), clock or Clock())


OBSERVED = st.builds(lambda text: Observed((Message("user", text),)), st.text(max_size=9))
REPLIED = st.builds(
    lambda text, context, seconds: Replied(1, Reply(text, context_tokens=context, seconds=seconds)),
    st.text(max_size=9),
    st.sampled_from([0, 500]),
    st.floats(0, 10),
)
RAN = st.builds(lambda seconds: ToolRan(1, "bash", True, seconds), st.floats(0, 10))


@given(st.lists(st.one_of(OBSERVED, REPLIED, RAN), max_size=12))
def test_a_restored_budget_is_where_the_live_one_was(events: list[Event]) -> None:
    clock = Clock()
    live = budget(clock, total_seconds=500.0)
    for event in events:
        if isinstance(event, Observed):
            live.count_messages(event.messages)
        elif isinstance(event, Replied):
            live.count_reply(event.reply)
            clock.now += event.reply.seconds
        elif isinstance(event, ToolRan):
            clock.now += event.seconds
    later = Clock()
    later.now = 77.0
    restored = budget(later, total_seconds=500.0)
    restored.restore(events)
    assert (restored.turns, restored.tokens) == (live.turns, live.tokens)
    assert restored.remaining_seconds == pytest.approx(live.remaining_seconds)


def test_tokens_are_the_policys_own_where_it_counts_them() -> None:
    spent = budget()
    spent.count_messages((Message("user", "12345"),))
    assert spent.tokens == 4 + len("user") + 5
    spent.count_reply(Reply("123"))
    assert spent.tokens == 13 + 4 + 3
    spent.count_reply(Reply("123", context_tokens=90))
    assert spent.tokens == 90


def test_a_reply_gets_what_is_left_but_never_nothing() -> None:
    spent = budget(context_tokens=100, action_tokens=60)
    assert spent.reply_tokens() == 60
    spent.count_reply(Reply("", context_tokens=70))
    assert spent.reply_tokens() == 30 - PREFIX_TOKENS
    spent.count_reply(Reply("", context_tokens=100))
    assert spent.reply_tokens() == 1


def test_limits_are_checked_in_the_published_order() -> None:
    clock = Clock()
    spent = budget(clock, turns=1, context_tokens=10, total_seconds=5.0)
    clock.now += 6
    spent.count_reply(Reply("", context_tokens=11))
    assert spent.exceeded(last_turn_acts=False) == "token_limit"
    spent = budget(clock, turns=1, context_tokens=10, total_seconds=5.0)
    clock.now += 6
    spent.count_reply(Reply("", context_tokens=10))
    assert spent.exceeded(last_turn_acts=False) == "turn_limit"
    assert spent.exceeded(last_turn_acts=True) == "time_limit"


def test_without_a_time_limit_time_never_runs_out() -> None:
    clock = Clock()
    spent = budget(clock)
    clock.now += 1e9
    assert spent.exceeded(last_turn_acts=True) is None
