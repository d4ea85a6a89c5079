"""Traffic of agents against a server that keeps conversations, and one that keeps none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import httpx

from cwm_agent.bench.serve.load import cpu_seconds
from cwm_agent.bench.serve.streams import Heard, hear
from cwm_agent.bench.serve.traffic import Session

ANSWER_TOKENS = 12
_ROUND = 4  # turns of every session that one server answers before it is the other's turn


@dataclass(frozen=True, slots=True)
class Replayed:
    """One replay. `known` prompt tokens had been computed in their conversation before, of which
    `hits` were not computed again. `lengths` are the sessions' tokens at their end,
    `engine_seconds` processor time of the engine's process."""

    seconds: float
    engine_seconds: float
    ids: tuple[tuple[int, ...], ...]
    texts: tuple[str, ...]
    known: int
    hits: int
    prompt_tokens: int
    lengths: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.ids) / self.seconds

    @property
    def hits_share(self) -> float:
        """Hits among the tokens that could be hits."""
        return self.hits / max(1, self.known)


@dataclass(slots=True)
class Side:
    """One server, and how far the sessions have come on it. `engine` is a process id."""

    client: httpx.AsyncClient
    engine: int
    talks: list[_Talk]
    seconds: float = 0.0
    engine_seconds: float = 0.0

    @classmethod
    def of(
        cls, client: httpx.AsyncClient, engine: int, sessions: Sequence[Session], **fields: object
    ) -> Side:
        """All sessions before their first turn; `fields` go into every request."""
        return cls(client, engine, [_Talk(session, fields) for session in sessions])

    async def play(self, turns: int) -> None:
        """All sessions at once, so many turns of each; its pause follows each turn."""
        began, used = time.monotonic(), cpu_seconds(self.engine)
        await asyncio.gather(*(talk.go_on(self.client, turns) for talk in self.talks))
        self.seconds += time.monotonic() - began
        self.engine_seconds += cpu_seconds(self.engine) - used

    def replayed(self) -> Replayed:
        """What came of it so far."""
        known = hits = 0
        for talk in self.talks:
            for before, answer in pairwise(talk.answers):
                had = before.prompt_tokens + len(before.ids) - 1  # the last was never an input
                known += had
                hits += min(had, answer.cached)
        answers = [answer for talk in self.talks for answer in talk.answers]
        return Replayed(
            self.seconds,
            self.engine_seconds,
            tuple(tuple(answer.ids) for answer in answers),
            tuple(answer.text for answer in answers),
            known,
            hits,
            sum(answer.prompt_tokens for answer in answers),
            tuple(talk.length for talk in self.talks),
        )


async def in_turns(sides: Sequence[Side], turns: int) -> None:
    """Some turns on one server, then the same on the other, and so on to the last turn.

    What else the machine does then weighs on both alike.
    """
    for number, done in enumerate(range(0, turns, _ROUND)):
        for side in sides if number % 2 == 0 else sides[::-1]:
            await side.play(min(_ROUND, turns - done))


@dataclass(slots=True)
class _Talk:
    """A session on its way; the history is sent with each request, as clients do."""

    session: Session
    fields: dict[str, object]
    messages: list[dict[str, str]] = field(default_factory=list)
    answers: list[Heard] = field(default_factory=list)

    @property
    def length(self) -> int:
        """Tokens so far."""
        last = self.answers[-1]
        return last.prompt_tokens + len(last.ids)

    async def go_on(self, client: httpx.AsyncClient, turns: int) -> None:
        for _ in range(turns):
            await self._turn(client)

    async def _turn(self, client: httpx.AsyncClient) -> None:
        session, number = self.session, len(self.answers)
        if number == 0:
            self._say("system", session.system)
        self._say("user", (session.opening, *session.results)[number])
        body = {"messages": self.messages, "max_tokens": ANSWER_TOKENS, "temperature": 0}
        answer = await hear(client, "/v1/chat/completions", body | self.fields)
        self.answers.append(answer)
        self._say("assistant", answer.text)
        await asyncio.sleep((*session.pauses, 0.0)[number])

    def _say(self, role: str, text: str) -> None:
        self.messages.append({"role": role, "content": text})
