"""Three ways to carry an agent load with transformers.

Every turn goes on from the recorded replies, so that one differing token does
not change the load that follows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cwm_agent.bench.engine.agent_load import AgentLoad, Replies
from cwm_agent.bench.engine.peers import filled_cache, generate_batch, generate_one, twin_cache

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins


@dataclass(slots=True)
class PeerRun:
    """`excluded` seconds are no part of the load: a cache made anew after a differing reply."""

    replies: Replies
    excluded: float = 0.0


def batched(twins: Twins, load: AgentLoad, recorded: Replies) -> PeerRun:
    """One `generate` a turn over all sessions, padded on the left."""
    run = _empty(load)
    for turn in range(load.turns):
        if turn:
            time.sleep(load.tool_seconds)  # all tools at the same time
        prompts = [load.context(s, turn, recorded) for s in range(load.sessions)]
        answers = generate_batch(twins, prompts, load.reply_tokens)
        for replies, answer in zip(run.replies, answers, strict=True):
            replies.append(answer)
    return run


def plain(twins: Twins, load: AgentLoad, recorded: Replies) -> PeerRun:
    """One `generate` a turn for each session, which computes the whole context again."""
    run, ready = _empty(load), [0.0] * load.sessions
    for turn in range(load.turns):
        for s, replies in enumerate(run.replies):
            _wait_until(ready[s])
            context = load.context(s, turn, recorded)
            replies.append(generate_one(twins, context, load.reply_tokens))
            ready[s] = time.perf_counter() + load.tool_seconds
    return run


def cached(twins: Twins, load: AgentLoad, recorded: Replies) -> PeerRun:
    """One `generate` a turn for each session on the DynamicCache that it keeps.

    The shared prompt is computed once and its cache copied for each session.
    """
    run, ready = _empty(load), [0.0] * load.sessions
    prompt = filled_cache(twins, load.prompt[:-1])
    caches: list[Any] = [twin_cache(prompt) for _ in range(load.sessions)]
    for turn in range(load.turns):
        for s, replies in enumerate(run.replies):
            _wait_until(ready[s])
            context = load.context(s, turn, recorded)
            replies.append(generate_one(twins, context, load.reply_tokens, caches[s]))
            if replies[-1] != recorded[s][turn]:
                begin = time.perf_counter()
                caches[s] = filled_cache(twins, [*context, *recorded[s][turn]][:-1])
                run.excluded += time.perf_counter() - begin
            ready[s] = time.perf_counter() + load.tool_seconds
    return run


def _empty(load: AgentLoad) -> PeerRun:
    return PeerRun([[] for _ in range(load.sessions)])


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.perf_counter()))
