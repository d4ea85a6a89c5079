"""The load of an agent: n samples of one issue, each with its own tool output in every turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.bench.texts import slices

Replies = list[list[list[int]]]
"""`replies[s][t]`: ids of session s in turn t."""


@dataclass(frozen=True, slots=True)
class AgentLoad:
    """`prompt` is shared; `observations[s][t]` follow the reply of turn t. No wait by default."""

    prompt: list[int]
    observations: list[list[list[int]]]
    observation_tokens: int
    turns: int
    reply_tokens: int
    tool_seconds: float = 0.0

    @property
    def sessions(self) -> int:
        """How many run at once."""
        return len(self.observations)

    @property
    def sampled_tokens(self) -> int:
        """Of all replies together."""
        return self.sessions * self.turns * self.reply_tokens

    @property
    def longest(self) -> int:
        """Tokens of a session at its end."""
        seen = (self.turns - 1) * self.observation_tokens
        return len(self.prompt) + self.turns * self.reply_tokens + seen

    def context(self, session: int, turn: int, replies: Replies) -> list[int]:
        """What a session has before it replies in `turn`, given all replies before."""
        ids = list(self.prompt)
        for before in range(turn):
            ids += replies[session][before]
            ids += self.observations[session][before]
        return ids


def agent_load(
    text: Sequence[int],
    *,
    sessions: int,
    turns: int,
    prompt_tokens: int,
    reply_tokens: int,
    observation_tokens: int,
    tool_seconds: float = 0.0,
) -> AgentLoad:
    """Cut `text` into a prompt and different observations. Raises UsageError if it is too short."""
    waits = turns - 1  # after the last reply there is no tool
    pieces = slices(text, [prompt_tokens, *[observation_tokens] * (sessions * waits)])
    cut = [pieces[1 + s * waits : 1 + (s + 1) * waits] for s in range(sessions)]
    return AgentLoad(pieces[0], cut, observation_tokens, turns, reply_tokens, tool_seconds)


def equal_share(replies: Replies, recorded: Replies) -> float:
    """How many of all replies are the recorded ones, 0 to 1."""
    pairs = [
        (a, b)
        for mine, theirs in zip(replies, recorded, strict=True)
        for a, b in zip(mine, theirs, strict=True)
    ]
    return sum(a == b for a, b in pairs) / len(pairs)
