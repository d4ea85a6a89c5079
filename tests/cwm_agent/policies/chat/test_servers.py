"""Servers of chat APIs that are away, busy, locked, or not what they should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from chat_server import ChatServer, Turn, chatting, refusal
from talks import LIMITS, OPENING, policy_of

from cwm_agent.errors import NotReadyError
from cwm_agent.policies.chat.provider import PROVIDERS, api_key, chat_model
from cwm_agent.policies.endpoint.client import Timeouts
from cwm_agent.policies.errors import EndpointError, RefusedError

CALM = Timeouts(30, 30)


@pytest.fixture
def servers() -> Iterator[tuple[ChatServer, ChatServer]]:
    with ExitStack() as stack:
        one, two = (stack.enter_context(chatting(ChatServer())) for _ in range(2))
        yield one, two


def test_a_busy_server_is_asked_again_when_it_says(servers: tuple[ChatServer, ChatServer]) -> None:
    one, two = servers
    one.says(refusal("busy", 429, retry_after="1"), refusal("loading", 503, retry_after="0"), "Hi.")
    with closing(policy_of(one, two, timeouts=CALM)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        began = time.monotonic()
        assert talk.reply(LIMITS).text == "Hi."
        assert time.monotonic() - began >= 1
    assert (len(one.bodies), len(two.bodies)) == (3, 0)


@pytest.mark.parametrize("turn", [refusal("CUDA error", 500), Turn("Hello there.", breaks=True)])
def test_when_a_server_fails_another_one_answers(
    servers: tuple[ChatServer, ChatServer], turn: Turn
) -> None:
    one, two = servers
    one.says(turn)
    two.says("Hi.", "Hi again.")
    with closing(policy_of(one, two, timeouts=CALM)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        assert talk.reply(LIMITS).text == "Hi."
        assert talk.reply(LIMITS).text == "Hi again."
        assert policy.loads().keys() == {one.url, two.url}
    assert two.bodies[0] == one.bodies[0]


def test_a_reply_can_be_cancelled(servers: tuple[ChatServer, ChatServer]) -> None:
    one, _ = servers
    one.says(Turn(hangs=True))
    with closing(policy_of(one, timeouts=CALM)) as policy:
        talk = policy.open(seed=1)
        talk.observe(OPENING)
        threading.Timer(0.2, talk.cancel).start()
        assert talk.reply(LIMITS).finish == "cancelled"


def test_a_key_is_sent_and_its_lack_is_said(servers: tuple[ChatServer, ChatServer]) -> None:
    one, _ = servers
    one.key = "secret"
    for model in ("openai:scripted", "anthropic:scripted"):
        with closing(policy_of(one, model=model, api_key="secret")) as policy:
            assert policy.capabilities.tool_calls == "native"
        with pytest.raises(RefusedError, match=r"401 wrong key; put .* CWM_AGENT_API_KEY"):
            policy_of(one, model=model)


def test_a_server_need_not_list_its_models(servers: tuple[ChatServer, ChatServer]) -> None:
    one, two = servers
    one.models = None
    two.models = [{"id": "a", "context_length": 8192}, {"id": "b"}]
    for one.no_list in (500, 404):  # `transformers serve` fails where it cannot look at a hub
        with closing(policy_of(one, model="openai:x")) as policy:
            assert policy.name == "openai:x"
    with closing(policy_of(two, model="openai:")) as policy:
        assert policy.name == "openai:a"
        assert policy.capabilities.context_tokens == 8192
    with pytest.raises(RefusedError, match="404"):
        policy_of(one, model="openai:")


@pytest.mark.parametrize(
    ("probe", "evidence"),
    [
        ("text", "it gave text"),
        (Turn(calls=[("report", {"a": 1, "b": 2})]), "a call of report with other arguments"),
        (refusal("model does not support tools"), "it refuses functions"),
        (refusal("tools param requires --jinja flag", 500), "it fails when it is given functions"),
    ],
)
def test_a_model_that_cannot_call_functions_is_known(
    servers: tuple[ChatServer, ChatServer], probe: Turn, evidence: str
) -> None:
    one, _ = servers
    one.probe = probe
    with closing(policy_of(one)) as policy:
        assert policy.capabilities.tool_calls == "text"
        assert evidence in policy.capabilities.evidence
    with closing(policy_of(one, tool_calls="native")) as policy:
        assert policy.capabilities.tool_calls == "native"
    with closing(policy_of(one, functions=())) as policy:
        assert policy.capabilities.tool_calls == "text"


def test_nobody_there_is_an_error(servers: tuple[ChatServer, ChatServer]) -> None:
    away = ChatServer(url="http://127.0.0.1:9/v1")
    for model in ("openai:x", "anthropic:x"):
        with pytest.raises(EndpointError, match="no server answers"):
            policy_of(away, model=model)


def test_a_key_comes_from_a_variable_or_a_file_and_goes_to_its_own_servers_only(
    tmp_path: Path,
) -> None:
    openai, anthropic = PROVIDERS
    file = tmp_path / "key"
    file.write_text("from-file\n")
    every = {"CWM_AGENT_API_KEY": "ours", "OPENAI_API_KEY": "theirs"}
    assert api_key(str(file), openai, every) == "ours"
    assert api_key(str(file), openai, {"OPENAI_API_KEY": "theirs"}) == "from-file"
    assert api_key(None, openai, {"OPENAI_API_KEY": "theirs"}) == "theirs"
    assert api_key(None, anthropic, {"OPENAI_API_KEY": "theirs"}) is None
    assert api_key(None, None, {"OPENAI_API_KEY": "theirs"}) is None
    for text in ("", "a b"):
        file.write_text(text)
        with pytest.raises(NotReadyError, match="one key"):
            api_key(str(file), None, {})
    with pytest.raises(NotReadyError, match=r"endpoint\.key_file"):
        api_key(str(tmp_path / "none"), None, {})


def test_only_a_known_api_is_one() -> None:
    named = chat_model("openai:org/model:free")
    assert named is not None
    assert (named.name, named.source) == ("org/model:free", "openai:org/model:free")
    for other in (None, "nano", "openai", "mistral:x", "/checkpoints/openai:x"):
        assert chat_model(other) is None
