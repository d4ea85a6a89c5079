"""Traffic of agents against a server that keeps conversations, and one that keeps none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import httpx

from cwm_agent.bench.serve.streams import Heard, hear
from cwm_agent.bench.serve.traffic import Session

ANSWER_TOKENS = 12


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay. `tokens` sampled in all sessions; `known` prompt tokens had been computed in
    their conversation before, of which `hits` were not computed again."""

    seconds: float
    ids: tuple[tuple[int, ...], ...]
    known: int
    hits: int
    prompt_tokens: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.ids) / self.seconds


async def replay(client: httpx.AsyncClient, sessions: Sequence[Session]) -> Replayed:
    """All sessions at once, each resending its history as clients do."""
    began = time.monotonic()
    heard = await asyncio.gather(*(_converse(client, session) for session in sessions))
    seconds = time.monotonic() - began
    known = hits = 0
    for answers in heard:
        for before, answer in pairwise(answers):
            had = before.prompt_tokens + len(before.ids) - 1  # the last one was never an input
            known += had
            hits += min(had, answer.cached)
    every = [answer for answers in heard for answer in answers]
    return Replayed(
        seconds,
        tuple(tuple(answer.ids) for answer in every),
        known,
        hits,
        sum(answer.prompt_tokens for answer in every),
    )


async def _converse(client: httpx.AsyncClient, session: Session) -> list[Heard]:
    messages = [
        {"role": "system", "content": session.system},
        {"role": "user", "content": session.opening},
    ]
    answers: list[Heard] = []
    for result, pause in zip((*session.results, ""), (*session.pauses, 0.0), strict=True):
        body = {"messages": messages, "max_tokens": ANSWER_TOKENS, "temperature": 0}
        answer = await hear(client, "/v1/chat/completions", body)
        answers.append(answer)
        messages.append({"role": "assistant", "content": answer.text})
        messages.append({"role": "user", "content": result})
        await asyncio.sleep(pause)
    return answers
