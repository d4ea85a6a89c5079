"""The policy that asks servers: it says what the embedded engine says, whatever happens to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from completion_server import AFTER, Fault, Model, Server, serving

from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.policies.endpoint.client import Timeouts
from cwm_agent.policies.endpoint.policy import EndpointConversation, EndpointPolicy
from cwm_agent.policies.errors import EndpointError, RefusedError
from cwm_agent.policies.policy import Conversation
from envs.environment import ReplyLimits
from model.step.sampler import GREEDY, Sampling
from results.records import Event, Message, Observed, Replied, Reply

OPENING = (
    Message("system", "You fix issues in small repositories."),
    Message("user", "shapes.py: area() of a square returns its perimeter."),
)
RESULT = (Message("tool: bash", "shapes.py\n"),)
LIMITS = ReplyLimits(40)
CALM = Timeouts()
WATCHFUL = Timeouts(silence=5)
"""Short enough to notice a hanging server, long enough for a slow machine."""


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    model = Model(bundled.folder())
    yield model
    model.engine.close()


@pytest.fixture
def servers(model: Model) -> Iterator[tuple[Server, Server]]:
    with serving(Server(model)) as one, serving(Server(model)) as two:
        yield one, two


@pytest.fixture(scope="module")
def expected() -> tuple[Reply, ...]:
    with closing(EmbeddedPolicy(bundled.folder(), device="cpu", sampling=GREEDY)) as policy:
        return talk(policy.open(seed=1))


def endpoint(
    *servers: Server, sampling: Sampling = GREEDY, timeouts: Timeouts = CALM
) -> EndpointPolicy:
    urls = [server.url for server in servers]
    return EndpointPolicy(urls, bundled.folder(), sampling=sampling, timeouts=timeouts)


def talk(conversation: Conversation) -> tuple[Reply, ...]:
    """Two turns."""
    replies = []
    with closing(conversation):
        for messages in (OPENING, RESULT):
            conversation.observe(messages)
            replies.append(conversation.reply(LIMITS))
    return tuple(replies)


def same(replies: tuple[Reply, ...], expected: tuple[Reply, ...]) -> bool:
    return [(r.ids, r.text, r.finish) for r in replies] == [
        (r.ids, r.text, r.finish) for r in expected
    ]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("ids", [True, False], ids=["ids", "text"])
def test_a_served_model_says_what_the_embedded_one_says(
    model: Model, expected: tuple[Reply, ...], ids: bool, stream: bool
) -> None:
    with serving(Server(model, ids=ids, stream=stream)) as server, closing(endpoint(server)) as it:
        assert it.name == "endpoint:nano"
        assert it.context_tokens == 4096
        replies = talk(it.open(seed=1))
        load = it.loads()[server.url]
    assert same(replies, expected)
    assert [reply.prompt_tokens for reply in replies] == [r.prompt_tokens for r in expected]
    assert (
        server.bodies[1]["prompt"][: len(server.bodies[0]["prompt"])]
        == (server.bodies[0]["prompt"])
    )
    assert load.decoded == sum(len(reply.ids) for reply in replies)
    assert load.running == 0


def test_each_reply_of_each_sample_draws_its_own_numbers(servers: tuple[Server, Server]) -> None:
    one, _ = servers
    with closing(endpoint(one, sampling=Sampling(1.0))) as it:
        first, again, other = (talk(it.open(seed=seed)) for seed in (1, 1, 2))
    assert same(first, again)
    assert not same(first, other)
    seeds = [body["seed"] for body in one.bodies]
    assert seeds[:2] == seeds[2:4]
    assert len(set(seeds)) == 4


def test_a_conversation_stays_where_fewest_were(servers: tuple[Server, Server]) -> None:
    one, two = servers
    with closing(endpoint(one, two)) as it, ExitStack() as stack:
        for seed in range(4):
            conversation = stack.enter_context(closing(it.open(seed=seed)))
            conversation.observe((*OPENING, Message("user", f"number {seed}")))
            for _ in range(2):
                conversation.reply(ReplyLimits(2))
    for server, numbers in ((one, (0, 2)), (two, (1, 3))):
        first, second = (server.bodies[i] for i in (0, 2))
        assert len(server.bodies) == 4
        assert first["prompt"] != second["prompt"], numbers
        assert server.bodies[1]["prompt"][:-2] == first["prompt"]


@pytest.mark.parametrize("fault", ["break", "abort", "fail", "hang"])
def test_when_a_server_goes_away_another_one_goes_on(
    servers: tuple[Server, Server], expected: tuple[Reply, ...], fault: Fault
) -> None:
    one, two = servers
    one.faults.append(fault)
    timeouts = WATCHFUL if fault == "hang" else CALM
    with closing(endpoint(one, two, timeouts=timeouts)) as it:
        replies = talk(it.open(seed=1))
    assert same(replies, expected)
    assert (len(one.bodies), len(two.bodies)) == (1, 2)
    begun = AFTER if fault in ("break", "abort") else 0
    assert two.bodies[0]["prompt"] == one.bodies[0]["prompt"] + list(expected[0].ids[:begun])
    assert two.bodies[0]["max_tokens"] == 40 - begun


def test_a_text_that_broke_off_is_begun_anew(model: Model, expected: tuple[Reply, ...]) -> None:
    with serving(Server(model, ids=False)) as server, closing(endpoint(server)) as it:
        server.faults.append("break")
        assert same(talk(it.open(seed=1)), expected)
    assert server.bodies[0] == server.bodies[1]


def test_a_busy_server_is_asked_again_when_it_says(
    servers: tuple[Server, Server], expected: tuple[Reply, ...]
) -> None:
    one, two = servers
    one.faults.extend(["busy", "loading"])
    with closing(endpoint(one, two)) as it:
        assert same(talk(it.open(seed=1)), expected)
    assert (len(one.bodies), len(two.bodies)) == (4, 0)


def test_when_all_are_away_the_error_says_so_and_the_conversation_can_go_on(
    servers: tuple[Server, Server], expected: tuple[Reply, ...]
) -> None:
    one, two = servers
    with closing(endpoint(one, two, timeouts=Timeouts(total=1))) as it:
        conversation = it.open(seed=1)
        conversation.observe(OPENING)
        one.faults.extend(["fail"] * 20)
        two.faults.extend(["fail"] * 20)
        with pytest.raises(EndpointError, match=r"for 1 seconds .*--url") as caught:
            conversation.reply(LIMITS)
        assert caught.value.cause == "model_unreachable"
        one.faults.clear()
        two.faults.clear()
        assert conversation.reply(LIMITS).ids == expected[0].ids


def test_what_a_server_refuses_is_not_asked_again(servers: tuple[Server, Server]) -> None:
    one, two = servers
    one.faults.append("refuse")
    with closing(endpoint(one, two)) as it:
        conversation = it.open(seed=1)
        conversation.observe(OPENING)
        with pytest.raises(RefusedError, match="400 the prompt is too long") as caught:
            conversation.reply(LIMITS)
    assert caught.value.cause == "model_refused"
    assert (len(one.bodies), len(two.bodies)) == (1, 0)


def test_a_reply_can_be_cancelled_while_a_server_hangs(servers: tuple[Server, Server]) -> None:
    one, _ = servers
    one.faults.append("hang")
    with closing(endpoint(one)) as it:
        conversation = it.open(seed=1)
        conversation.observe(OPENING)
        cancel = threading.Timer(0.3, conversation.cancel)
        cancel.start()
        assert conversation.reply(LIMITS).finish == "cancelled"
        cancel.join()
        assert conversation.reply(LIMITS).finish != "cancelled"
        conversation.cancel()  # none runs: the next one ends at once
        assert conversation.reply(LIMITS).finish == "cancelled"


def test_a_journal_brings_a_conversation_back(
    servers: tuple[Server, Server], expected: tuple[Reply, ...]
) -> None:
    one, two = servers
    with closing(endpoint(one, two)) as it:
        before = it.open(seed=1)
        events: list[Event] = [Observed(OPENING, before.observe(OPENING))]
        events.append(Replied(1, before.reply(LIMITS)))
        before.close()
        after = it.open(seed=1)
        after.restore(events)
        after.observe(RESULT)
        assert after.reply(LIMITS).ids == expected[1].ids
        assert isinstance(after, EndpointConversation)


def test_a_server_that_is_not_there_or_has_no_such_model_is_named(
    servers: tuple[Server, Server],
) -> None:
    one, _ = servers
    nobody = Server(one.model, url="http://127.0.0.1:9/v1")
    with pytest.raises(EndpointError, match=r"no server answers: http://127\.0\.0\.1:9/v1"):
        endpoint(nobody)
    with closing(endpoint(nobody, one)) as it:
        assert talk(it.open(seed=1))
    with pytest.raises(RefusedError, match="has no model cwm: it offers nano"):
        EndpointPolicy([one.url], bundled.folder(), sampling=GREEDY, model="cwm")
