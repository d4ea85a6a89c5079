"""What an episode may use, and what it has used: turns, tokens, seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envs.environment import Meter
from results.records import Event, ExitReason, Message, Observed, Replied, Reply, ToolRan

Clock = Callable[[], float]
"""Seconds that only ever grow, such as `time.monotonic`."""

FRAME_TOKENS = 4
"""Tokens around a message beside its role and body: header start and end, blank line, end mark."""

PREFIX_TOKENS = 8
"""Room for the header and the thinking prefix that open the next reply."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The published limits, but for `total_seconds`, which is a sandbox's life there (7200)."""

    turns: int = 128
    """Replies of the model."""
    context_tokens: int = 131_072
    """Tokens of the whole conversation."""
    action_tokens: int = 65_536
    """Tokens of one reply, thinking included."""
    tool_turn_tokens: int = 32_768
    """Tokens of one result message."""
    prompt_tokens: int = 8_192
    """Tokens of the opening user message."""
    command_seconds: float = 120.0
    """Seconds of one command."""
    total_seconds: float | None = None
    """Seconds of the whole episode; None: no limit."""


class Budget:
    """Counts down. Tokens are the policy's own count where it has one, else the meter's."""

    def __init__(self, limits: Limits, meter: Meter, clock: Clock) -> None:
        self._limits = limits
        self._meter = meter
        self._clock = clock
        self._started = clock()
        self.turns = 0
        self.tokens = 0

    def message_tokens(self, message: Message) -> int:
        """Tokens of one message with its header and end mark."""
        count = self._meter.count
        return FRAME_TOKENS + count(message.role) + count(message.text)

    def count_messages(self, messages: Sequence[Message]) -> None:
        """Messages were added to the conversation."""
        self.tokens += sum(self.message_tokens(message) for message in messages)

    def count_reply(self, reply: Reply) -> None:
        """The policy answered: one turn."""
        self.turns += 1
        estimate = self.tokens + FRAME_TOKENS + self._meter.count(reply.text)
        self.tokens = reply.context_tokens or estimate

    def restore(self, events: Sequence[Event]) -> None:
        """Count what an interrupted attempt used; time between its processes is not counted."""
        used = 0.0
        for event in events:
            if isinstance(event, Observed):
                self.count_messages(event.messages)
            elif isinstance(event, Replied):
                self.count_reply(event.reply)
                used += event.reply.seconds
            elif isinstance(event, ToolRan):
                used += event.seconds
        self._started = self._clock() - used

    @property
    def remaining_turns(self) -> int:
        """Turns left after those already begun."""
        return self._limits.turns - self.turns

    @property
    def remaining_seconds(self) -> float:
        """Seconds left of the episode; infinite without a limit."""
        if self._limits.total_seconds is None:
            return float("inf")
        return self._limits.total_seconds - (self._clock() - self._started)

    def reply_tokens(self) -> int:
        """What the next reply may use; at least 1, so that a full context is noticed as such."""
        room = self._limits.context_tokens - self.tokens - PREFIX_TOKENS
        return max(1, min(self._limits.action_tokens, room))

    def cut_by_context(self, reply: Reply) -> bool:
        """Whether a reply, not counted yet, was cut because the context left it no more room."""
        return reply.finish == "length" and self.reply_tokens() < self._limits.action_tokens

    def exceeded(self, *, last_turn_acts: bool) -> ExitReason | None:
        """The limit that forbids acting on the reply just counted, in the published order."""
        if self.tokens > self._limits.context_tokens:
            return "token_limit"
        if self.remaining_turns < 0 or (self.remaining_turns == 0 and not last_turn_acts):
            return "turn_limit"
        return "time_limit" if self.remaining_seconds <= 0 else None

    def spent(self, *, next_tokens: int = 0) -> ExitReason | None:
        """The limit that leaves no room for another reply after a message of `next_tokens`."""
        if self.tokens + next_tokens + PREFIX_TOKENS >= self._limits.context_tokens:
            return "token_limit"
        if self.remaining_turns <= 0:
            return "turn_limit"
        return "time_limit" if self.remaining_seconds <= 0 else None
