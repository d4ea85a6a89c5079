"""What an infrastructure failure broke is done again in a fresh sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cwm_agent.attempt.rollout import EventLog, Trajectory
from envs.errors import SandboxError
from envs.failures import known, may_pass
from results.records import Event
from results.store import UNFINISHED

T = TypeVar("T")

PAUSES = (1.0, 5.0, 15.0, 30.0)
"""Seconds before each new try; the last one again and again. An engine restarts in about ten."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and who is told. `sleep` waits between tries."""

    count: int
    say: Callable[[str], None]
    sleep: Callable[[float], None] = time.sleep

    def again(self, tried: int, cause: str | None, detail: str) -> bool:
        """Whether to try once more after `tried` failed tries; waits before it says yes."""
        if tried > self.count or not may_pass(known(cause)):
            return False
        self.say(f"{detail}; try {tried} of {self.count} in a fresh sandbox")
        self.sleep(PAUSES[min(tried, len(PAUSES)) - 1])
        return True


def play_on(
    play: Callable[[EventLog], Trajectory], journal: EventLog, retries: Retries
) -> Trajectory:
    """Play an attempt; after a failure that may pass, go on from its journal in a new sandbox.

    `play` makes a sandbox and plays from the given journal to an end. Files are
    restored from the last snapshot, and the turn in flight is acted on again.
    """
    trajectory = play(journal)
    tried = 1
    while trajectory.reason in UNFINISHED and retries.again(
        tried, trajectory.cause, trajectory.detail
    ):
        trajectory = play(_Continued(journal, trajectory.events))
        tried += 1
    return trajectory


def insist(action: Callable[[], T], retries: Retries) -> T:
    """The result of `action`, repeated after SandboxErrors that may pass; raises the last one."""
    tried = 1
    while True:
        try:
            return action()
        except SandboxError as error:
            if not retries.again(tried, error.cause, str(error)):
                raise
        tried += 1


@dataclass(frozen=True, slots=True)
class _Continued:
    """An open journal with all that it holds now; `Journal.events` ends where it was opened."""

    journal: EventLog
    past: Sequence[Event]

    @property
    def events(self) -> tuple[Event, ...]:
        return tuple(self.past)

    def append(self, event: Event) -> object:
        return self.journal.append(event)

    def commit(self) -> None:
        self.journal.commit()
