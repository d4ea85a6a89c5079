"""The environment protocol: what happens when the model says something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from results.found import Enforced
from results.records import Event, ExitReason, Message, Reply, Verdict
from tools.workspace import Cause


class Meter(Protocol):
    """Counts and cuts text in the policy's own tokens."""

    def count(self, text: str) -> int:
        """How many tokens `text` takes."""

    def head(self, text: str, tokens: int) -> str:
        """The longest beginning of at most `tokens` tokens that cuts no character."""

    def tail(self, text: str, tokens: int) -> str:
        """The longest ending of at most `tokens` tokens that cuts no character."""


@dataclass(frozen=True, slots=True)
class ReplyLimits:
    """What the next reply may use, and whether control tokens inside it are part of its text."""

    max_tokens: int
    stop_after_tool_call: bool = True
    show_control_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The environment's answer to one reply.

    `messages` are appended to the conversation. `events` are what happened
    (tool, snapshot, submission), for the journal. `exit` ends the episode;
    nobody answers its messages, they show what the last action gave. `cause`
    says why a sandbox failed.
    """

    messages: tuple[Message, ...]
    events: tuple[Event, ...] = ()
    exit: ExitReason | None = None
    detail: str = ""
    cause: Cause | None = None


class Environment(Protocol):
    """One task, from its opening messages to its patch or answer."""

    def start(self) -> tuple[Message, ...]:
        """Make the place ready and return the opening messages."""

    def limits(self) -> ReplyLimits:
        """What the next reply may use (turn, token and time budgets)."""

    def step(self, reply: Reply) -> Step:
        """Act on a reply."""

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        """Continue an interrupted attempt from its journal instead of `start`.

        Returns messages that tell the model what was lost, possibly none.
        """

    def patch(self) -> str:
        """What the attempt yields now: its submission, or (improved mode) the working-tree diff."""

    def close(self) -> None:
        """Give the place back."""


@runtime_checkable
class Limited(Protocol):
    """An environment whose place can say what it enforces, once it is open."""

    def enforced(self) -> Enforced:
        """Limits, time zone and hash seed, as they are inside; raises SandboxError."""


@runtime_checkable
class Judging(Protocol):
    """An environment whose place is judged as the last action left it."""

    def verdict(self) -> Verdict:
        """Run the tests there, once, when the conversation is over; raises SandboxError."""
