"""Replies of chat completions: as text or as functions, whole or spoilt, sent back as they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from chat_server import ChatServer, Turn, chatting, refusal
from talks import LIMITS, OPENING, RESULT, policy_of

from cwm_agent.policies.errors import ContextFullError, EndpointError, RefusedError
from results.records import FunctionCall, Message, Observed, Replied

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 64},
    "cost": 0.0125,
}
LS = Turn("I look.", [("bash", {"commands": "ls"})], "Where is it?", usage=USAGE)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chatting(ChatServer()) as server:
        yield server


def test_native_calls_become_bodies_and_their_results_answer_them(server: ChatServer) -> None:
    server.says(LS, "Done.")
    with closing(policy_of(server)) as policy, closing(policy.open(seed=1)) as talk:
        assert policy.capabilities.tool_calls == "native"
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((RESULT, Message("user", "The container was replaced.")))
        assert talk.reply(LIMITS).text == "Done."
    assert reply.text == "I look.\n<tool: bash>\nls\n</tool>"
    assert reply.chat is not None
    assert reply.chat.calls == (FunctionCall("bash", "ls"),)
    assert (reply.chat.reasoning, reply.chat.cost) == ("Where is it?", 0.0125)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.context_tokens) == (100, 64, 120)
    first, second = server.bodies
    assert [tool["function"]["name"] for tool in first["tools"]] == [
        "bash", "edit", "create", "submit",
    ]  # fmt: skip
    assert first["seed"] != second["seed"]
    assert "stop" not in first
    assert second["messages"][: len(first["messages"])] == first["messages"]
    call = {"name": "bash", "arguments": '{"commands": "ls"}'}
    assert second["messages"][2:] == [
        {
            "role": "assistant",
            "content": "I look.",
            "reasoning_content": "Where is it?",
            "tool_calls": [{"id": "call-bash-0", "type": "function", "function": call}],
        },
        {"role": "tool", "tool_call_id": "call-bash-0", "content": "shapes.py\n"},
        {"role": "user", "content": "The container was replaced."},
    ]


def test_a_model_without_functions_gets_the_text_grammar(server: ChatServer) -> None:
    server.probe = "text"
    server.says("I look.\n<tool: bash>\nls\n", "")
    with closing(policy_of(server)) as policy, closing(policy.open(seed=1)) as talk:
        assert policy.capabilities.tool_calls == "text"
        assert "it gave text" in policy.capabilities.evidence
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((RESULT,))
        talk.reply(LIMITS)
        talk.observe((Message("user", "Say something."),))
        server.says("Yes.")
        talk.reply(LIMITS)
    assert reply.text == "I look.\n<tool: bash>\nls\n</tool>"
    assert reply.chat is not None
    assert reply.chat.calls is None
    assert server.bodies[0]["stop"] == ["</tool>"]
    assert "tools" not in server.bodies[0]
    assert server.bodies[2]["messages"][2:] == [  # the empty answer is left out
        {"role": "assistant", "content": reply.text},
        {"role": "user", "content": "shapes.py\n\n\nSay something."},
    ]


@pytest.mark.parametrize(
    ("said", "text", "reasoning"),
    [
        ("<think>\na </tool>?\n</think>\nHi.", "Hi.", "a </tool>?"),
        ("the template opened it\n</think>\n\nHi.", "Hi.", "the template opened it"),
        ("No thought </tool> at all.", "No thought </tool> at all.", ""),
        ("<tool: bash>\nls\n</tool>\nand more", "<tool: bash>\nls\n</tool>", ""),
    ],
)
def test_thoughts_inside_the_text_are_no_part_of_the_answer(
    server: ChatServer, said: str, text: str, reasoning: str
) -> None:
    server.says(said)
    with closing(policy_of(server, tool_calls="text")) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
    assert reply.text == text
    assert reply.chat is not None
    assert reply.chat.reasoning == reasoning


def test_a_server_that_stops_inside_a_thought_is_asked_without_that(server: ChatServer) -> None:
    server.says(
        "<think>\nI will write ", "<think>\nhm </tool>\n</think>\n<tool: bash>\nls\n</tool>"
    )
    with closing(policy_of(server, tool_calls="text")) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "<tool: bash>\nls\n</tool>"
        assert policy.capabilities.left_out == ("stop",)
    assert "stop" not in server.bodies[1]


@pytest.mark.parametrize(
    ("turn", "calls", "finish"),
    [
        (Turn(calls=[("bash", '{"commands": "ls')], finish="length"), (), "length"),
        (Turn(calls=[("bash", {"commands": "ls"})], finish="length"), ("ls",), "length"),
        (Turn(calls=[("bash", "ls -l")]), (None,), "stop"),
        (Turn(calls=[("bash", "[" * 5000)]), (None,), "stop"),
        (Turn(calls=[("bash", {"command": "ls"})]), ("ls",), "stop"),
        (Turn(calls=[("bash", {"commands": 5})]), (None,), "stop"),
        (Turn(calls=[("grep", {"commands": "ls"})]), (None,), "stop"),
        (Turn(calls=[("bash", {"commands": c}) for c in "ab"]), ("a", "b"), "stop"),
        (Turn(), (), "stop"),
        (Turn("I must not.", finish="content_filter"), (), "stop"),
        (Turn(calls=[("submit", {"result": ""})], stream=False), ("",), "stop"),
    ],
    ids=[
        "cut in a call", "cut after a call", "no JSON", "too deep", "another name of one argument",
        "a number", "unknown", "two", "empty", "filtered", "whole",
    ],
)  # fmt: skip
def test_what_a_call_is_worth(
    server: ChatServer, turn: Turn, calls: tuple[str | None, ...], finish: str
) -> None:
    server.says(turn, "ok")
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((RESULT,))
        talk.reply(LIMITS)
    assert reply.chat is not None
    assert reply.chat.calls is not None
    assert tuple(call.body for call in reply.chat.calls) == calls
    assert reply.finish == finish
    sent = server.bodies[1]["messages"][2:]
    answered = [message["tool_call_id"] for message in sent if message["role"] == "tool"]
    made = [call["id"] for message in sent for call in message.get("tool_calls", ())]
    assert made == answered, "each call that is sent back has a result"
    assert len(made) == len(calls)


def test_what_a_server_does_not_take_is_left_out_from_then_on(server: ChatServer) -> None:
    server.says(
        refusal("Unrecognized request argument supplied: seed"),
        refusal("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.", code="unsupported_parameter"),
        refusal("Unsupported value: 'temperature' does not support 0.2 with this model."),
        refusal("max_completion_tokens is too large: 4000. The model supports at most 1000."),
        "Hi.", "Hi again.",
    )  # fmt: skip
    with closing(policy_of(server, temperature=0.2)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "Hi."
        talk.observe((Message("user", "And?"),))
        talk.reply(LIMITS)
        assert policy.capabilities.left_out == ("seed", "temperature")
    last = server.bodies[-1]
    assert last["max_completion_tokens"] == 1000
    assert not last.keys() & {"seed", "temperature", "max_tokens"}
    assert len(server.bodies) == 6


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 4200 tokens "
         "(200 in the messages, 4000 in the completion).", "context_length_exceeded"),
        ("'max_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and "
         "your request has 200 input tokens (4000 > 4096 - 200).", ""),
    ],
)  # fmt: skip
def test_a_reply_gets_the_room_that_is_left(server: ChatServer, words: str, code: str) -> None:
    server.says(refusal(words, code=code), "Hi.")
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "Hi."
    assert server.bodies[1]["max_tokens"] == 3896


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("This model's maximum context length is 4096 tokens. However, you requested 9000 tokens "
         "(5000 in the messages, 4000 in the completion).", "context_length_exceeded"),
        ("the request exceeds the available context size, try increasing it",
         "exceed_context_size_error"),
        ("prompt is too long: 215000 tokens > 200000 maximum", "invalid_request_error"),
    ],
)  # fmt: skip
def test_a_conversation_that_is_too_long_is_at_its_limit(
    server: ChatServer, words: str, code: str
) -> None:
    server.says(*[refusal(words, code=code)] * 9)
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        with pytest.raises(ContextFullError, match="longer than the model can read"):
            talk.reply(LIMITS)


def test_it_goes_on_from_a_journal_as_it_began(server: ChatServer) -> None:
    server.says(LS, "Done.", "Done.")
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        reply = talk.reply(LIMITS)
        talk.observe((RESULT,))
        talk.reply(LIMITS)
    server.probe = "text"
    with closing(policy_of(server)) as policy:
        again = policy.open(seed=1)
        started = _started(server, "native")
        again.restore((started, Observed(OPENING), Replied(1, reply), Observed((RESULT,))))
        again.reply(LIMITS)
    assert server.bodies[2] == server.bodies[1]


def test_a_server_that_breaks_off_again_and_again_is_an_error(server: ChatServer) -> None:
    server.says(*[Turn("Hello there.", breaks=True)] * 9)
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        with pytest.raises(EndpointError, match=r"broke off|answered for"):
            talk.reply(LIMITS)


def test_what_is_refused_is_said(server: ChatServer) -> None:
    quota = refusal("You exceeded your current quota", 429, "insufficient_quota")
    server.says(refusal("The prompt violates our policy", code="content_filter"), quota)
    with closing(policy_of(server)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        for words in ("violates our policy", "your current quota"):
            with pytest.raises(RefusedError, match=words):
                talk.reply(LIMITS)


def _started(server: ChatServer, calls: str) -> object:
    from results.found import Capabilities
    from results.records import AttemptStarted

    found = Capabilities("native" if calls == "native" else "text")
    return AttemptStarted("i", 0, "openai:x", "docker", "d", "improved", 1, "b", found)
