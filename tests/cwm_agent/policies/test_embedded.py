"""The embedded policy, on a tiny random checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.policies.policy import Conversation, Policy
from envs.environment import ReplyLimits
from model.errors import CheckpointError
from model.text.tokenizer import Tokenizer
from results.codec import decode, encode
from results.records import Event, Message, Observed, Replied, Reply

FIRST = 280  # id of the tiny vocabulary's first control token
BOS, HEAD, TAIL, EOT = FIRST, FIRST + 6, FIRST + 7, FIRST + 9
OPENING = (Message("system", "You test."), Message("user", "Say the output."))
RESULT = (Message("tool: bash", "\n<output>\n</output>\n"),)
LIMITS = ReplyLimits(max_tokens=12)


@pytest.fixture
def folder(make_checkpoint: Callable[..., Path]) -> Path:
    return make_checkpoint()


@pytest.fixture
def policy(folder: Path) -> Iterator[Policy]:
    with closing(EmbeddedPolicy(folder, device="cpu")) as policy:
        yield policy


def play(conversation: Conversation, turns: int = 3) -> list[Event]:
    """A short episode as its journal would hold it."""
    events: list[Event] = [Observed(OPENING, conversation.observe(OPENING))]
    for turn in range(turns):
        events.append(Replied(turn, conversation.reply(LIMITS)))
        events.append(Observed(RESULT, conversation.observe(RESULT)))
    return events


def context(events: list[Event]) -> list[int]:
    """All recorded ids in order."""
    ids: list[int] = []
    for event in events:
        if isinstance(event, Observed):
            ids += event.ids
        elif isinstance(event, Replied):
            ids += event.reply.ids
    return ids


def test_what_is_observed_and_replied_is_the_exact_context(policy: Policy, folder: Path) -> None:
    events = play(policy.open(seed=1))
    encode = Tokenizer.from_folder(folder).encode_text

    def framed(role: str, body: str) -> list[int]:
        return [HEAD, *encode(role), TAIL, *encode("\n\n"), *encode(body), EOT]

    header = [HEAD, *encode("assistant"), TAIL, *encode("\n\n"), *encode("<think>\n")]
    expected = [
        BOS,
        *framed(*role_and_text(OPENING[0])),
        *framed(*role_and_text(OPENING[1])),
        *header,
    ]
    for event in events:
        if isinstance(event, Replied):
            expected += event.reply.ids
            if event.reply.ids[-1] != EOT:
                expected.append(EOT)
            expected += [*framed(*role_and_text(RESULT[0])), *header]
    assert context(events) == expected


def role_and_text(message: Message) -> tuple[str, str]:
    return message.role, message.text


def test_a_reply_counts_what_it_cost(policy: Policy) -> None:
    conversation = policy.open(seed=1)
    seen = len(conversation.observe(OPENING))
    first = conversation.reply(LIMITS)
    assert (first.prompt_tokens, first.cached_tokens) == (seen, 0)
    assert first.context_tokens == seen + len(first.ids)
    added = len(conversation.observe(RESULT))
    second = conversation.reply(LIMITS)
    assert second.prompt_tokens == first.context_tokens + added
    assert second.cached_tokens == first.context_tokens - 1
    assert second.seconds > 0


def test_text_is_the_view_on_the_ids_without_the_thinking_prefix(
    policy: Policy, folder: Path
) -> None:
    conversation = policy.open(seed=1)
    conversation.observe(OPENING)
    reply = conversation.reply(LIMITS)
    assert reply.text == Tokenizer.from_folder(folder).decode(reply.ids)
    assert reply.finish in ("stop", "length")


def test_a_restored_conversation_goes_on_as_the_first_would_have(policy: Policy) -> None:
    first = policy.open(seed=5)
    events = play(first)
    resumed = policy.open(seed=5)
    resumed.restore(events)
    assert resumed.reply(LIMITS).ids == first.reply(LIMITS).ids
    assert resumed.observe(RESULT) == first.observe(RESULT)


def test_an_interrupted_reply_goes_on_where_it_was_cut(policy: Policy) -> None:
    whole = policy.open(seed=5)
    observed = whole.observe(OPENING)
    expected = whole.reply(ReplyLimits(max_tokens=20))
    cut = policy.open(seed=5)
    cut.observe(OPENING)
    part = cut.reply(ReplyLimits(max_tokens=6))
    resumed = policy.open(seed=5)
    resumed.restore([Observed(OPENING, observed), Replied(0, part)])
    rest = resumed.reply(ReplyLimits(max_tokens=14))
    assert part.ids + rest.ids == expected.ids


def test_messages_after_an_unanswered_header_close_it_first(policy: Policy) -> None:
    conversation = policy.open(seed=1)
    conversation.observe(OPENING)
    assert conversation.observe(RESULT)[:2] == (EOT, HEAD)


def test_a_journal_without_ids_is_encoded(policy: Policy, folder: Path) -> None:
    """As recorded by a policy that has no tokens."""
    text = "hm\n</think>\n<tool: bash>\nls\n</tool>\n"
    ids = (*Tokenizer.from_folder(folder).encode_text(text.rstrip()), EOT)
    without, given = policy.open(seed=1), policy.open(seed=1)
    without.restore([Observed(OPENING), Replied(0, Reply(text)), Observed(RESULT)])
    opening = given.observe(OPENING)
    given.restore([Replied(0, Reply(text, ids))])
    result = given.observe(RESULT)
    expected, found = given.reply(LIMITS), without.reply(LIMITS)
    assert found.prompt_tokens == len(opening) + len(ids) + len(result)
    assert found.ids == expected.ids


def test_conversations_of_one_policy_do_not_touch_each_other(policy: Policy) -> None:
    alone = context(play(policy.open(seed=2)))
    one, two = policy.open(seed=2), policy.open(seed=3)
    ids: list[int] = list(one.observe(OPENING))
    two.observe(OPENING)
    for _ in range(3):
        ids += one.reply(LIMITS).ids
        two.reply(LIMITS)
        ids += one.observe(RESULT)
        two.observe(RESULT)
    assert ids == alone


def test_cancel_before_a_reply_ends_it(policy: Policy) -> None:
    conversation = policy.open(seed=1)
    conversation.observe(OPENING)
    conversation.cancel()
    assert conversation.reply(LIMITS).finish == "cancelled"
    assert conversation.reply(LIMITS).finish in ("stop", "length")
    conversation.close()


def test_the_meter_counts_as_the_model_does(policy: Policy, folder: Path) -> None:
    text = "the output of the test"
    assert policy.meter.count(text) == len(Tokenizer.from_folder(folder).encode_text(text))
    assert (
        policy.meter.head(text, 2) + policy.meter.tail(text, policy.meter.count(text) - 2) == text
    )


def test_a_plain_llama_checkpoint_works_as_well(make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint(
        "llama", model_type="llama", layer_types=None, sliding_window=None, rope_parameters=None
    )
    policy = EmbeddedPolicy(folder, device="cpu", thinking=False)
    assert policy.name == "embedded:llama"
    events = play(policy.open(seed=1))
    assert len(context(events)) > 100


def test_two_processes_say_what_one_says(make_checkpoint: Callable[..., Path]) -> None:
    from model.engine.build import EngineOptions

    folder = make_checkpoint()
    said = []
    for ranks in (1, 2):
        options = EngineOptions(tensor_parallel=ranks, kv_bytes=2**24)
        with closing(EmbeddedPolicy(folder, device="cpu", engine=options)) as policy:
            said.append(context(play(policy.open(seed=1), turns=1)))
    assert said[0] == said[1]


def test_a_folder_without_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is not a checkpoint.*config\.json"):
        EmbeddedPolicy(tmp_path)


def test_importing_the_policy_does_not_load_torch() -> None:
    code = "import sys, cwm_agent.policies.embedded; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False)
    assert done.returncode == 0


def test_a_quantised_policy_answers_by_its_own_weights(folder: Path) -> None:
    with closing(EmbeddedPolicy(folder, device="cpu", quantize="int8")) as policy:
        one = context(play(policy.open(seed=1)))
        assert context(play(policy.open(seed=1))) == one


def test_odds_are_kept_where_they_are_asked_for_and_change_no_token(folder: Path) -> None:
    plain, asked = (
        [event.reply for event in events if isinstance(event, Replied)]
        for events in (replies_with(folder, None), replies_with(folder, 3))
    )
    assert [reply.odds for reply in plain] == [None] * 3
    assert [reply.ids for reply in plain] == [reply.ids for reply in asked]
    for reply in asked:
        odds = reply.odds
        assert odds is not None
        assert len(odds.chosen) == len(odds.ids) == len(odds.logprobs) == len(reply.ids)
        for token, own, ids, values in zip(
            reply.ids, odds.chosen, odds.ids, odds.logprobs, strict=True
        ):
            assert own is not None
            assert own < 0
            assert len(ids) == 3
            assert list(values) == sorted(values, reverse=True)
            if token in ids:
                assert values[ids.index(token)] == own
        assert decode(Reply, json.loads(json.dumps(encode(reply)))) == reply


def replies_with(folder: Path, logprobs: int | None) -> list[Event]:
    with closing(EmbeddedPolicy(folder, device="cpu", logprobs=logprobs)) as policy:
        return play(policy.open(seed=1))
