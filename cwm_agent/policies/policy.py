"""The policy protocol: what is the next message?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from envs.environment import Meter, ReplyLimits
from results.records import Event, Message, Reply


class Conversation(Protocol):
    """One dialogue; it is only ever extended, never rebuilt."""

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages; returns the token ids they became (empty without tokens)."""

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next assistant message."""

    def restore(self, events: Sequence[Event]) -> None:
        """Take the history of an interrupted attempt from its journal (ids where present)."""

    def cancel(self) -> None:
        """Stop a running `reply` from another thread; it returns with finish "cancelled"."""

    def close(self) -> None:
        """Free what the dialogue holds."""


class Policy(Protocol):
    """Opens conversations. One policy serves many at once."""

    @property
    def name(self) -> str:
        """Shown to users and written into records."""

    @property
    def meter(self) -> Meter:
        """Counts tokens as this policy does."""

    def open(self, *, seed: int) -> Conversation:
        """A new conversation; `seed` fixes its sampling."""

    def close(self) -> None:
        """Free the policy."""
