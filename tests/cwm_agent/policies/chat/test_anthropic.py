"""Anthropic's Messages through the vendor's library: blocks go back as they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from chat_server import ChatServer, Turn, chatting, refusal
from talks import LIMITS, OPENING, RESULT, policy_of

from cwm_agent.policies.endpoint.client import Timeouts
from cwm_agent.policies.errors import ContextFullError, EndpointError, RefusedError
from results.records import FunctionCall, Message, Reply

USAGE = {
    "input_tokens": 10,
    "cache_read_input_tokens": 80,
    "cache_creation_input_tokens": 10,
    "output_tokens": 20,
}
LS = Turn("I look.", [("bash", {"commands": "ls"})], "Where is it?", usage=USAGE)
claude = partial(policy_of, model="anthropic:scripted")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chatting(ChatServer()) as server:
        yield server


def ask(server: ChatServer, total: float = 1) -> Reply:
    with (
        closing(claude(server, timeouts=Timeouts(30, total))) as policy,
        closing(policy.open(seed=1)) as talk,
    ):
        talk.observe(OPENING)
        return talk.reply(LIMITS)


@pytest.mark.parametrize("finish", ["stop_sequence", "end_turn"])
def test_a_call_in_text_is_closed_where_the_server_ended_it(
    server: ChatServer, finish: str
) -> None:
    """Proxies tell of a stop sequence as of the end of the turn."""
    server.says(Turn("<tool: bash>\nls\n", finish=finish))
    with closing(claude(server, tool_calls="text")) as policy, closing(policy.open(seed=1)) as talk:
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "<tool: bash>\nls\n</tool>"


def test_thoughts_and_calls_go_back_as_they_came(server: ChatServer) -> None:
    server.says(LS, "Done.")
    with closing(claude(server)) as policy, closing(policy.open(seed=1)) as talk:
        assert policy.name == "anthropic:scripted"
        assert policy.capabilities.tool_calls == "native"
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((RESULT, Message("user", "Go on.")))
        assert talk.reply(LIMITS).text == "Done."
    assert reply.text == "I look.\n<tool: bash>\nls\n</tool>"
    assert reply.chat is not None
    assert (reply.chat.calls, reply.chat.reasoning) == (
        (FunctionCall("bash", "ls"),),
        "Where is it?",
    )
    assert (reply.prompt_tokens, reply.cached_tokens, reply.context_tokens) == (100, 80, 120)
    first, second = server.bodies
    assert first["system"] == "You fix bugs."
    assert first["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    result = {"type": "tool_result", "tool_use_id": "toolu_0", "content": "shapes.py\n"}
    thought = {"type": "thinking", "thinking": "Where is it?", "signature": "c2lnbmVk"}
    use = {"type": "tool_use", "id": "toolu_0", "name": "bash", "input": {"commands": "ls"}}
    assert second["messages"][1:] == [
        {"role": "assistant", "content": [thought, {"type": "text", "text": "I look."}, use]},
        {"role": "user", "content": [result, {"type": "text", "text": "Go on."}]},
    ]


def test_a_call_that_was_cut_is_none_and_an_empty_answer_is_not_sent_back(
    server: ChatServer,
) -> None:
    server.says(Turn(calls=[("bash", '{"commands": "ls')], finish="max_tokens"), "Hi.")
    with closing(claude(server)) as policy, closing(policy.open(seed=1)) as talk:
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((Message("user", "You were cut off."),))
        talk.reply(LIMITS)
    assert (reply.finish, reply.text) == ("length", "")
    assert reply.chat is not None
    assert reply.chat.calls == ()
    assert [m["role"] for m in server.bodies[1]["messages"]] == ["user"]
    assert [block["text"] for block in server.bodies[1]["messages"][0]["content"]] == [
        "There is one.", "You were cut off.",
    ]  # fmt: skip


def test_a_busy_or_overloaded_server_is_asked_again(server: ChatServer) -> None:
    server.says(
        refusal("slow down", 429, "rate_limit_error", retry_after="0"),
        refusal("Overloaded", 529, "overloaded_error"),
        "Hi.",
    )
    assert ask(server, total=60).text == "Hi."
    assert len(server.bodies) == 3


def test_what_a_model_does_not_take_is_left_out(server: ChatServer) -> None:
    server.says(
        refusal("`temperature` and `top_p` cannot both be specified for this model."), "Hi."
    )
    with (
        closing(claude(server, top_p=0.9, temperature=0.5)) as policy,
        closing(policy.open(seed=1)) as talk,
    ):
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "Hi."
        assert policy.capabilities.left_out == ("top_p",)
    assert "temperature" in server.bodies[1]


@pytest.mark.parametrize(
    ("turn", "error"),
    [
        (refusal("invalid x-api-key", 401, "authentication_error"), RefusedError),
        (refusal("prompt is too long: 215000 tokens > 200000 maximum"), ContextFullError),
        (Turn("Hello there.", breaks=True), EndpointError),
    ],
    ids=["refused", "too long", "breaks off"],
)
def test_how_it_ends_otherwise(server: ChatServer, turn: Turn, error: type[Exception]) -> None:
    server.says(*[turn] * 9)
    with pytest.raises(error):
        ask(server)


def test_a_refusal_of_the_model_is_its_answer(server: ChatServer) -> None:
    server.says(Turn("I cannot help with that.", finish="refusal"))
    reply = ask(server)
    assert (reply.text, reply.finish) == ("I cannot help with that.", "stop")


def test_a_prompt_counted_as_nothing_was_not_counted(server: ChatServer) -> None:
    server.says(Turn("Done.", usage={"input_tokens": 0, "output_tokens": 0}))
    assert ask(server).prompt_tokens > 0
