"""Conversations that begin alike share the work, and say what each would say alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedPolicy
from envs.environment import ReplyLimits
from model.step.sampler import Sampling
from results.records import Message, Reply

OPENING = (
    Message("system", "You fix issues in small repositories. " * 20),
    Message("user", "shapes.py: area() of a square returns its perimeter. " * 10),
)
SEEDS = (42, 43, 44, 45)


def answer(policy: EmbeddedPolicy, seed: int) -> Reply:
    with closing(policy.open(seed=seed)) as conversation:
        conversation.observe(OPENING)
        return conversation.reply(ReplyLimits(24))


def nano() -> EmbeddedPolicy:
    return EmbeddedPolicy(bundled.folder(), device="cpu", sampling=Sampling(0.9))


def test_four_samples_at_once_cost_the_prefill_of_one() -> None:
    alone = []
    for seed in SEEDS:
        with closing(nano()) as policy:  # an engine that has nothing to share
            alone.append(answer(policy, seed))
            assert policy.load().prefilled == alone[-1].prompt_tokens > 400
    with closing(nano()) as policy, ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda seed: answer(policy, seed), SEEDS))
        load = policy.load()
    assert load.prefilled <= alone[0].prompt_tokens + 3
    assert [reply.ids for reply in together] == [reply.ids for reply in alone]
    assert len({reply.ids for reply in together}) > 1
