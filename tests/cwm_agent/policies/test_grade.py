"""Grading in the finished session: what it costs, and that nothing else changes by it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from cwm_agent.attempt.attempt import grade_question
from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedConversation, EmbeddedPolicy
from cwm_agent.policies.policy import Question
from cwm_agent.prompts.packs import load
from envs.environment import ReplyLimits
from model.errors import TokenizerError
from model.step.sampler import Sampling
from results.records import Graded, Message, Reply

OPENING = (
    Message("system", "You fix issues in small repositories. " * 20),
    Message("user", "shapes.py: area() of a square returns its perimeter. " * 10),
)
LONG = (*OPENING[:1], Message("user", OPENING[1].text * 12))
"""As long as CWM's own opening: each sample computes its last, unfinished page of 16 anew."""
RESULT = (Message("tool: bash", "nothing\n"),)
QUESTION = grade_question(load("default"))


@pytest.fixture(scope="module")
def policy() -> Iterator[EmbeddedPolicy]:
    with closing(EmbeddedPolicy(bundled.folder(), device="cpu", sampling=Sampling(0.9))) as policy:
        yield policy


def talk(conversation: EmbeddedConversation, question: Question | None) -> tuple[Reply, ...]:
    conversation.observe(OPENING)
    first = conversation.reply(ReplyLimits(16))
    if question is not None:
        conversation.grade(question)
    conversation.observe(RESULT)
    return first, conversation.reply(ReplyLimits(16))


def test_sixteen_graded_samples_cost_little_more_than_one_prefill(policy: EmbeddedPolicy) -> None:
    before = policy.load().prefilled

    def one(seed: int) -> tuple[Reply, Graded]:
        with closing(policy.open(seed=seed)) as conversation:
            conversation.observe(LONG)
            reply = conversation.reply(ReplyLimits(16))
            return reply, conversation.grade(QUESTION)

    with ThreadPoolExecutor(16) as threads:
        made = list(threads.map(one, range(16)))
    prompt = made[0][0].prompt_tokens
    grades = [graded for _, graded in made]
    asked = sum(graded.question_tokens + 1 for graded in grades)
    assert prompt > 1500
    assert policy.load().prefilled - before - asked <= 1.1 * prompt
    for graded in grades:
        assert graded.cached_tokens >= graded.context_tokens - 1  # the last was just sampled
        assert graded.cached_tokens >= 0.995 * graded.context_tokens


def test_a_grade_is_an_expectation_over_the_scale(policy: EmbeddedPolicy) -> None:
    with closing(policy.open(seed=1)) as conversation:
        conversation.observe(OPENING)
        conversation.reply(ReplyLimits(16))
        graded = conversation.grade(QUESTION)
        assert conversation.grade(QUESTION) == graded
    assert graded.scale == tuple("ABCDEFGHIJKLMNOPQRST")
    assert sum(map(math.exp, graded.logprobs)) <= 1.0001
    assert 0 <= graded.grade <= 1


@pytest.mark.parametrize(
    ("logprobs", "grade"),
    [
        ((0.0, -99.0, -99.0), 1.0),
        ((-99.0, -99.0, -1.0), 0.0),
        ((-5.0, -5.0, -5.0), 0.5),
        ((math.log(0.2), math.log(0.2), -99.0), 0.75),
        ((-1000.0, -1000.0, -1001.0), (1 + 0.5) / (2 + math.exp(-1))),
    ],
)
def test_grades_by_hand(logprobs: tuple[float, ...], grade: float) -> None:
    assert Graded(("a", "b", "c"), logprobs, 9, 1, 9).grade == pytest.approx(grade)


def test_the_conversation_goes_on_as_if_nobody_had_asked(policy: EmbeddedPolicy) -> None:
    said = []
    for question in (None, QUESTION):
        with closing(policy.open(seed=3)) as conversation:
            said.append([reply.ids for reply in talk(conversation, question)])
    assert said[0] == said[1]


def test_a_scale_that_one_token_cannot_tell_apart_is_refused(policy: EmbeddedPolicy) -> None:
    with closing(policy.open(seed=1)) as conversation:
        conversation.observe(OPENING)
        with pytest.raises(TokenizerError, match=r"grade\.scale"):
            conversation.grade(Question("?", "", ("good", "good")))


def test_a_temperature_of_its_own_replaces_the_policys(policy: EmbeddedPolicy) -> None:
    replies = []
    for seed, temperature in ((1, 0.0), (2, 0.0), (1, 1.5), (2, 1.5)):
        with closing(policy.open(seed=seed, temperature=temperature)) as conversation:
            conversation.observe(OPENING)
            replies.append(conversation.reply(ReplyLimits(16)).ids)
    assert replies[0] == replies[1]
    assert replies[2] != replies[3]
