"""One attempt of a run as its runner and its observers see it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from cwm_agent.attempt.branch import own
from cwm_agent.attempt.interrupt import CancelToken, Stop
from cwm_agent.attempt.rollout import replies, written_tokens
from cwm_agent.exit_codes import code_of_attempt
from cwm_agent.tasks.job import Job
from cwm_agent.view.trajectory.actions import called
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Observed,
    Replied,
    ToolRan,
)
from results.store import UNFINISHED, Run

State = Literal[
    "waiting", "running", "judging", "resolved", "unresolved", "unjudged", "failed", "cancelled"
]
STATES: tuple[State, ...] = (
    "waiting", "running", "judging", "resolved", "unresolved", "unjudged", "failed", "cancelled",
)  # fmt: skip
ACTIVE: frozenset[State] = frozenset({"running", "judging"})
OVER: frozenset[State] = frozenset({"resolved", "unresolved", "unjudged"})
"""States of an attempt that has a valid result."""


class Observer(Protocol):
    """Follows one attempt as it goes, like the screen of `solve`."""

    def say(self, text: str, style: str = "") -> None:
        """A line about the attempt as a whole."""

    def watch(self, event: Event) -> None:
        """An event, after it was written."""


@dataclass(slots=True, eq=False)
class AttemptState:
    """Where one attempt stands. `since` is when anything was last heard of it (monotonic)."""

    job: Job
    sample: int
    state: State = "waiting"
    reason: str = ""
    """The exit reason or error, once there is one."""
    doing: str = ""
    """What it waits for."""
    turn: int = 0
    since: float = 0.0
    tokens: int = 0
    code: int = 0
    """The exit code that its end means."""
    cancelled: bool = False
    stop: Stop = field(default_factory=CancelToken)
    observer: Observer | None = None

    @property
    def name(self) -> str:
        """`instance/sample`, as users name it."""
        return f"{self.job.instance}/{self.sample}"

    def say(self, text: str) -> None:
        """What takes its time now."""
        self.doing, self.since = text, time.monotonic()

    def tell(self, text: str, style: str = "") -> None:
        """What a user who waits for this attempt alone wants to know, too."""
        self.say(text)
        if self.observer is not None:
            self.observer.say(text, style)

    def watch(self, event: Event) -> None:
        """Follow the rollout."""
        if self.observer is not None:
            self.observer.watch(event)
        match event:
            case AttemptStarted():
                self.say("opening the sandbox")
            case Observed():
                self.say("waiting for a reply")
            case Replied():
                self.turn = event.turn
                self.tokens += written_tokens(event.reply)
                self.say(called(event.reply.text) or "reading the answer")
            case ToolRan():
                self.say("taking a snapshot")
            case Ended():
                self.say("ending")
            case _:
                self.since = time.monotonic()

    def settle(self, result: AttemptResult) -> None:
        """Take the state that a result means."""
        self.state, self.reason = state_of(result), result.exit_reason
        self.turn, self.tokens = result.turns, result.completion_tokens
        self.code = code_of_attempt(result.exit_reason, result.resolved)
        self.doing = result.detail


def state_of(result: AttemptResult) -> State:
    """How a result counts; an interrupted attempt waits to be gone on with."""
    if result.exit_reason == "interrupted":
        return "waiting"
    if result.exit_reason in UNFINISHED:
        return "failed"
    return {True: "resolved", False: "unresolved", None: "unjudged"}[result.resolved]  # type: ignore[return-value]


def attempts_of(run: Run, jobs: Sequence[Job], samples: int) -> list[AttemptState]:
    """Every attempt of the run, the samples of a job next to each other.

    Those with a valid result are over; all others wait, whatever stopped them.
    """
    attempts = []
    for job in jobs:
        for sample in range(samples):
            attempt = AttemptState(job, sample)
            stored = run.find(job.instance, sample)
            result = stored.result()
            if result is not None and result.exit_reason not in UNFINISHED:
                attempt.settle(result)
            elif stored.events_path.exists():
                events = [entry.event for entry in stored.entries()]
                attempt.turn = len(replies(events))
                attempt.tokens = sum(map(written_tokens, replies(own(events))))
            attempts.append(attempt)
    return attempts
