"""Our own server as the model of an attempt: the tokens of the embedded engine, and an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
from cases import Solve
from live import Live

from cwm_agent.policies import bundled
from cwm_agent.policies.chat.openai import request_body
from cwm_agent.policies.chat.policy import ChatPolicy
from cwm_agent.policies.chat.provider import chat_model
from cwm_agent.policies.chat.request import ChatRequest
from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.policies.policy import Conversation
from cwm_agent.prompts.packs import load
from envs.environment import ReplyLimits
from model.step.sampler import PUBLISHED
from results.records import AttemptStarted, Message, Replied, Reply
from tools.native import functions

MODEL = chat_model("openai:nano")
OPENING = (
    Message("system", "nano\n\ntools\n\nbash\n\nedit\n\ncreate\n\nsubmit\n\nend"),
    Message("user", "shapes.py: area() of a square returns its perimeter."),
)
RESULTS = (
    Message("tool: bash", "def area(a):\n    return 4 * a\n\n---"),
    Message("user", "Go on."),
)
LIMITS = ReplyLimits(48)


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedPolicy]:
    with closing(EmbeddedPolicy(bundled.folder(), device="cpu")) as policy:
        yield policy


def talk(conversation: Conversation) -> tuple[list[Message | Reply], list[int]]:
    """Three turns: what was said, and all ids where there are any."""
    said: list[Message | Reply] = []
    ids: list[int] = []
    with closing(conversation):
        for messages in (OPENING, RESULTS[:1], RESULTS[1:]):
            ids += conversation.observe(messages)
            reply = conversation.reply(LIMITS)
            ids += reply.ids
            said += [*messages, reply]
    return said, ids


@pytest.mark.parametrize(("temperature", "seed"), [(0.0, 0), (1.0, 3), (1.0, 4)])
def test_the_tokens_are_those_of_the_embedded_engine(
    server: Live, embedded: EmbeddedPolicy, temperature: float, seed: int
) -> None:
    expected, ids = talk(embedded.open(seed=seed, temperature=temperature))
    tools = functions(("bash", "submit"), load("nano"))
    top_p = PUBLISHED.at(temperature).top_p
    assert MODEL is not None
    served = ChatPolicy(MODEL, [server.api], functions=tools, temperature=temperature, top_p=top_p)
    with closing(served):
        assert "knows our text grammar" in served.capabilities.evidence
        said, _ = talk(served.open(seed=seed))
    counts = [(r.text, r.finish, r.prompt_tokens) for r in said if isinstance(r, Reply)]
    assert counts == [(r.text, r.finish, r.prompt_tokens) for r in expected if isinstance(r, Reply)]
    last = ChatRequest(said[:-1], (), LIMITS.max_tokens, temperature, top_p, seed, True, True)
    body = request_body("nano", last, LIMITS.max_tokens)
    body |= {"stream": False, "stream_options": None, "return_token_ids": True}
    with server.client() as client:
        answer = client.post("/v1/chat/completions", json=body).json()
    assert answer["prompt_token_ids"] + answer["choices"][0]["token_ids"] == ids


@pytest.mark.parametrize(
    "asked",
    [
        ("openai:nano",),
        pytest.param(("openai:nano", "native"), marks=pytest.mark.slow),
        pytest.param(("anthropic:nano",), marks=pytest.mark.slow),
        pytest.param(("anthropic:nano", "native"), marks=pytest.mark.slow),
        pytest.param(("nano",), marks=pytest.mark.slow),
    ],
    ids=lambda asked: "-".join(asked),
)
def test_an_attempt_runs_to_its_end(solve: Solve, server: Live, asked: tuple[str, ...]) -> None:
    """Nano knows the text grammar alone; with functions of an API it ends at a limit."""
    model, *calls = asked
    small = (
        "limits.turns=3",
        "limits.action_tokens=64",
        *(f"endpoint.tool_calls={c}" for c in calls),
    )
    settings = [part for item in (small if calls else ()) for part in ("--set", item)]
    done = solve(
        *("nano:7", "--sandbox", "bubblewrap", "--name", "served", "--model", model),
        *("--url", server.api, "--json", *settings),
    )
    answer = json.loads(done.stdout)
    assert done.returncode in ((3, 6) if calls else (0,)), done.stderr
    assert answer["resolved"] is (not calls)
    events = solve.events("served")
    assert any(isinstance(event, Replied) for event in events)
    started = next(event for event in events if isinstance(event, AttemptStarted))
    if started.capabilities is not None:
        assert started.capabilities.tool_calls == (calls[0] if calls else "text")
        assert started.capabilities.thinking is (model == "openai:nano" and not calls)
    seen = server.do(server.running.service.link.forget())
    assert (seen.sessions, seen.pages) == (0, 0)
