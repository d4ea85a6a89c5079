"""The policy protocol: what is the next message?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from envs.environment import Meter, ReplyLimits
from results.records import Event, Graded, Message, Reply


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


@dataclass(frozen=True, slots=True)
class Question:
    """What a finished conversation is asked about itself.

    The answer starts with `prefix`; its next token is one of `scale`, best first.
    """

    text: str
    prefix: str
    scale: tuple[str, ...]


@runtime_checkable
class Gradable(Protocol):
    """A conversation that can be asked a question without becoming longer."""

    def grade(self, question: Question) -> Graded:
        """The log-probabilities of the grades, in a twin of the conversation."""


class Policy(Protocol):
    """Opens conversations. One policy serves many at once."""

    @property
    def name(self) -> str:
        """Shown to users and written into records."""

    @property
    def meter(self) -> Meter:
        """Counts tokens as this policy does."""

    def open(self, *, seed: int, temperature: float | None = None) -> Conversation:
        """A new conversation; `seed` fixes its sampling, `temperature` replaces the policy's."""

    def close(self) -> None:
        """Free the policy."""
