"""Walks a journal and does everything again, each turn in the state that it began from.

Where another process took the attempt over, its sandbox was a new one; so a
new one is made here too, from the snapshot that the journal holds there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from cwm_agent.attempt.rollout import settle
from envs.environment import Environment, Step
from envs.errors import SandboxError
from results.records import (
    AttemptStarted,
    Ended,
    Event,
    ExitReason,
    Graded,
    Judged,
    Message,
    Observed,
    Replied,
    Snapshot,
    Submitted,
    ToolRan,
)
from tools.parsing import answer_of

OPENING = 0
"""The number of the turn before the first: the opening messages."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one turn: what the model saw, what the tool did, and the end if it was that."""

    messages: tuple[Message, ...]
    events: tuple[Event, ...] = ()
    exit: ExitReason | None = None

    @property
    def text(self) -> str:
        """All messages in one."""
        return "\n".join(message.text for message in self.messages)

    @property
    def ran(self) -> ToolRan | None:
        """What the tool call did."""
        return next((event for event in self.events if isinstance(event, ToolRan)), None)

    @property
    def patch(self) -> str | None:
        """What was submitted."""
        found = (event.patch for event in self.events if isinstance(event, Submitted))
        return next(found, None)

    @property
    def tree(self) -> str | None:
        """The git tree of the repository, None when the turn changed nothing."""
        found = (event.tree for event in self.events if isinstance(event, Snapshot))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class ReplayedTurn:
    """One turn twice: as recorded, and now. `reply` is what was acted on."""

    number: int
    reply: str
    recorded: Result
    now: Result

    @property
    def call(self) -> str:
        """The tool call without the words before it, for those may name any command."""
        return answer_of(self.reply, thinking=True).partition("<tool:")[2]


def turns_of(events: Sequence[Event]) -> int:
    """How many turns of the journal were completed and can be done again."""
    return sum(isinstance(event, Replied) for event in settle(events)[0])


def walk(
    events: Sequence[Event],
    make: Callable[[AttemptStarted], Environment],
    *,
    until: int | None = None,
) -> Generator[ReplayedTurn]:
    """Do the completed turns of `events` again, up to turn `until`.

    `make` gives the environment of one process's part. The walk ends where an
    episode is over now, even if the recorded one went on. Raises SandboxError.
    """
    walker = _Walker(settle(events)[0], make)
    try:
        for place, event in enumerate(walker.events):
            if until is not None and isinstance(event, Replied) and event.turn > until:
                return
            turn = walker.go(place)
            if turn is not None:
                if turn.now.exit == "sandbox_error":
                    raise SandboxError(
                        f"the sandbox was lost in turn {turn.number}; start the replay again"
                    )
                yield turn
                if turn.now.exit is not None:
                    return
    finally:
        walker.leave()


class _Walker:
    """Where the walk stands."""

    def __init__(
        self, events: tuple[Event, ...], make: Callable[[AttemptStarted], Environment]
    ) -> None:
        self.events = events
        self._make = make
        self._environment: Environment | None = None
        self._notices: tuple[Message, ...] = ()
        self._started: AttemptStarted | None = None
        self._reply: Replied | None = None
        self._step = Step(())
        self._happened: list[Event] = []
        self._turn = OPENING

    def leave(self) -> None:
        """Give the sandbox back."""
        environment, self._environment = self._environment, None
        if environment is not None:
            environment.close()

    def go(self, place: int) -> ReplayedTurn | None:
        """Take the event at `place`; a turn that it completes comes back."""
        event = self.events[place]
        if isinstance(event, AttemptStarted):
            self.leave()
            self._started = event
        elif isinstance(event, Replied):
            environment = self._enter(place)
            self._reply, self._turn, self._happened = event, event.turn, []
            self._step = environment.step(event.reply)
        elif isinstance(event, Observed):
            if self._reply is None:
                self._enter(place)
            return self._complete(event.messages, self._end_after(place))
        elif isinstance(event, Ended):
            return self._complete((), event.reason) if self._reply is not None else None
        else:
            self._happened.append(event)
        return None

    def _enter(self, place: int) -> Environment:
        """The environment of this part, brought to the state before the event at `place`."""
        if self._environment is None:
            assert self._started is not None
            self._environment = self._make(self._started)
            self._notices = self._environment.restore(self.events[:place])
        return self._environment

    def _end_after(self, place: int) -> ExitReason | None:
        """The reason, when the attempt ended with the messages at `place`."""
        later = (e for e in self.events[place + 1 :] if not isinstance(e, (Graded, Judged)))
        following = next(later, None)
        if self._reply is not None and isinstance(following, Ended):
            return following.reason
        return None

    def _complete(self, messages: tuple[Message, ...], ended: ExitReason | None) -> ReplayedTurn:
        reply, step = self._reply, self._step
        now = Result(self._notices)
        if reply is not None:
            notices = self._notices if step.exit is None else ()
            now = Result((*step.messages, *notices), step.events, step.exit)
        turn = ReplayedTurn(
            self._turn,
            reply.reply.text if reply else "",
            Result(messages, tuple(self._happened), ended),
            now,
        )
        self._reply, self._notices, self._happened, self._step = None, (), [], Step(())
        return turn
