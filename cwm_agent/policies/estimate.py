"""Token counts for policies that have no tokens: four characters count as one token.

English prose and code come to three to five characters a token in the
vocabularies in use, so budgets and notices keep their meaning; they are an
estimate, and nothing else depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from results.records import Event, Message, Observed, Replied, Reply

CHARACTERS_PER_TOKEN = 4


class EstimatingMeter:
    """`envs.environment.Meter` over characters."""

    def count(self, text: str) -> int:
        """A quarter of the characters, rounded up."""
        return -(-len(text) // CHARACTERS_PER_TOKEN)

    def head(self, text: str, tokens: int) -> str:
        """The first `tokens` times four characters."""
        return text[: max(0, tokens) * CHARACTERS_PER_TOKEN]

    def tail(self, text: str, tokens: int) -> str:
        """The last `tokens` times four characters."""
        length = max(0, tokens) * CHARACTERS_PER_TOKEN
        return text[max(0, len(text) - length) :]


class Transcript:
    """How long a token-less conversation is by now, and how many replies it holds."""

    def __init__(self, meter: EstimatingMeter) -> None:
        self._meter = meter
        self.tokens = 0
        self.replies = 0

    def observe(self, messages: Sequence[Message]) -> None:
        """Count messages that were added."""
        self.tokens += sum(self._meter.count(message.text) for message in messages)

    def replied(self, text: str, seconds: float) -> Reply:
        """Count the next assistant message and wrap it up."""
        before = self.tokens
        self.tokens += self._meter.count(text)
        self.replies += 1
        return Reply(
            text,
            prompt_tokens=before,
            cached_tokens=before,
            context_tokens=self.tokens,
            seconds=seconds,
        )

    def restore(self, events: Sequence[Event]) -> None:
        """Count an interrupted attempt's history."""
        for event in events:
            if isinstance(event, Observed):
                self.observe(event.messages)
            elif isinstance(event, Replied):
                self.replied(event.reply.text, event.reply.seconds)
