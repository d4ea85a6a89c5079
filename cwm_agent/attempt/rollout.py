"""The loop: a policy and an environment talk, and a journal keeps every word.

One turn is: reply, journal, step, journal, fsync. The order matters.

- The reply is appended before the environment acts on it. A killed process
  therefore leaves either no trace of the turn, or the reply without its
  result, and then a resumed attempt knows that the action was under way. It
  acts on that reply again, in a place restored to the state before the turn,
  and the environment's notice tells the model so.
- The result is appended, and everything made durable, before the next reply
  is asked for. A power cut loses at most the turn in flight.

Nothing else in this project drives a conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from cwm_agent.attempt.branch import own
from cwm_agent.attempt.interrupt import Stop
from cwm_agent.policies.errors import ContextFullError, PolicyError
from cwm_agent.policies.policy import Conversation, Gradable, Policy, Question
from envs.environment import Environment, Judging, Limited, Step
from envs.errors import SandboxError
from envs.issue.modes import Switches
from model.errors import ModelError
from results.records import (
    AttemptStarted,
    Ended,
    Event,
    ExitReason,
    Judged,
    Message,
    Observed,
    Replied,
    Reply,
    Snapshot,
    Submitted,
    Verdict,
)
from results.store import UNFINISHED

Watch = Callable[[Event], None]
STOPPED = "stopped in the middle of a turn"


class EventLog(Protocol):
    """What the loop needs of `results.journal.Journal`."""

    @property
    def events(self) -> tuple[Event, ...]:
        """What stood in it when it was opened."""

    def append(self, event: Event) -> object:
        """Hand one event to the operating system."""

    def commit(self) -> None:
        """Make what was appended durable."""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One attempt up to its end, earlier processes included. Token counts are sums over turns."""

    events: tuple[Event, ...]
    reason: ExitReason
    detail: str
    patch: str
    cause: str | None = None

    @property
    def turns(self) -> int:
        """How many replies the policy gave."""
        return len(replies(self.events))

    @property
    def prompt_tokens(self) -> int:
        """Context before each reply of its own, cached or not."""
        return sum(reply.prompt_tokens for reply in replies(own(self.events)))

    @property
    def completion_tokens(self) -> int:
        """What the policy wrote for it."""
        return sum(map(written_tokens, replies(own(self.events))))


def rollout(
    policy: Policy,
    environment: Environment,
    journal: EventLog,
    *,
    started: AttemptStarted,
    seed: int,
    interrupt: Stop,
    watch: Watch | None = None,
    temperature: float | None = None,
    question: Question | None = None,
) -> Trajectory:
    """Play one attempt to its end, or go on with the one in `journal`.

    `watch` sees each new event after it was written. A finished conversation is asked the
    `question`, if its policy can be asked without a new prefill. A failing policy or
    sandbox ends the attempt with its reason; the caller closes both.
    Raises JournalError when the disk refuses, which is the one thing that
    cannot be recorded.
    """
    loop = _Loop(environment, journal, interrupt, watch)
    loop.record(started)
    ended = _play(loop, lambda: policy.open(seed=seed, temperature=temperature), question)
    if isinstance(environment, Judging) and ended.reason not in UNFINISHED:
        ended = _judged(loop, environment, ended)
    loop.record(ended)
    loop.commit()
    patch = last_patch(loop.events) if ended.reason in UNFINISHED else environment.patch()
    return Trajectory(tuple(loop.events), ended.reason, ended.detail, patch, ended.cause)


def replies(events: Sequence[Event]) -> list[Reply]:
    """The policy's replies, in order."""
    return [event.reply for event in events if isinstance(event, Replied)]


def written_tokens(reply: Reply) -> int:
    """What the policy wrote in one reply, in its own tokens or by its estimate."""
    return len(reply.ids) or max(0, reply.context_tokens - reply.prompt_tokens)


def settle(events: Sequence[Event]) -> tuple[tuple[Event, ...], Replied | None]:
    """Split a journal into the turns that were completed and the reply that was in flight.

    A turn is complete once its observation (or the attempt's end by a limit or
    submission) is written. What a killed process wrote of an incomplete turn
    beside the reply is void, because the turn is acted on again.
    """
    settled: list[Event] = []
    flight: list[Event] = []
    for event in events:
        if isinstance(event, AttemptStarted) or _is_pause(event):
            del flight[1:]
            settled.append(event)
        elif isinstance(event, Replied):
            flight = [event]
        elif flight and not isinstance(event, Observed | Ended):
            flight.append(event)
        else:
            settled += [*flight, event]
            flight = []
    in_flight = flight[0] if flight else None
    assert in_flight is None or isinstance(in_flight, Replied)
    return tuple(settled), in_flight


def finished(events: Sequence[Event], rules: Switches) -> Trajectory | None:
    """The attempt that a journal holds to its end; None when it can go on or has not begun.

    Its patch is what the environment said at the end: see IssueEnvironment.patch.
    """
    last = events[-1] if events else None
    if not isinstance(last, Ended) or last.reason in UNFINISHED:
        return None
    if any(isinstance(event, Submitted) for event in events):
        counts = last.reason == "submitted" or rules.keep_submission_on_limit
    else:
        counts = rules.submit_on_limit
    patch = last_patch(events) if counts else ""
    return Trajectory(tuple(events), last.reason, last.detail, patch)


def last_patch(events: Sequence[Event]) -> str:
    """The last submission of a journal, else its last recorded working tree."""
    for event in reversed(events):
        if isinstance(event, Submitted):
            return event.patch
    return next((event.handed_in for event in reversed(events) if isinstance(event, Snapshot)), "")


def _is_pause(event: Event) -> bool:
    return isinstance(event, Ended) and event.reason in UNFINISHED


def _play(loop: _Loop, talk: Callable[[], Conversation], question: Question | None) -> Ended:
    """Talk until something ends it; returns what."""
    try:
        with closing(talk()) as conversation:
            loop.interrupt.cancel = conversation.cancel
            step = loop.begin(conversation)
            while step is None or step.exit is None:
                if loop.interrupt.requested:
                    return Ended("interrupted")
                reply = conversation.reply(loop.environment.limits())
                if reply.finish == "cancelled":
                    return Ended("interrupted")
                step = loop.turn(conversation, reply)
            if step.exit == "sandbox_error" and loop.interrupt.stopped:
                return Ended("interrupted", STOPPED)
            if step.exit not in UNFINISHED and question and isinstance(conversation, Gradable):
                loop.record(conversation.grade(question))
            return Ended(step.exit, step.detail, step.cause)
    except KeyboardInterrupt:
        return Ended("interrupted", STOPPED)
    except ContextFullError as error:
        return Ended("token_limit", str(error))
    except PolicyError as error:
        return Ended("policy_error", str(error), error.cause)
    except ModelError as error:
        return Ended("policy_error", str(error))
    except SandboxError as error:
        if loop.interrupt.stopped:
            return Ended("interrupted", STOPPED)
        return Ended("sandbox_error", str(error), error.cause)


def _judged(loop: _Loop, environment: Judging, ended: Ended) -> Ended:
    """Record what the tests say of the place, before it goes; a failure leaves the end open."""
    if ended.reason == "sandbox_broken":
        loop.record(Judged(Verdict(False, state=True, detail="nothing was left to be tested")))
        return ended
    try:
        loop.record(Judged(environment.verdict()))
    except KeyboardInterrupt:
        return Ended("interrupted", STOPPED)
    except SandboxError as error:
        if loop.interrupt.stopped:
            return Ended("interrupted", STOPPED)
        return Ended("sandbox_error", str(error), error.cause)
    return ended


class _Loop:
    """One process's work on one attempt."""

    def __init__(
        self, environment: Environment, journal: EventLog, interrupt: Stop, watch: Watch | None
    ) -> None:
        self.environment = environment
        self.interrupt = interrupt
        self.past = journal.events
        self.events = list(journal.events)
        self._journal = journal
        self._watch = watch

    def record(self, event: Event) -> None:
        """Append one event, whole, and show it."""
        with self.interrupt.shield():
            self._journal.append(event)
            self.events.append(event)
        if self._watch is not None:
            self._watch(event)

    def commit(self) -> None:
        """Make the turn durable."""
        with self.interrupt.shield():
            self._journal.commit()

    def begin(self, conversation: Conversation) -> Step | None:
        """Open the task, or restore it; returns the step of a turn that was in flight."""
        settled, in_flight = settle(self.past)
        if not any(isinstance(event, Observed) for event in settled):
            opening = self.environment.start()
            self._note_limits()
            self._observe(conversation, opening)
            return None
        notices = self.environment.restore(settled)
        self._note_limits()
        if in_flight is None:
            conversation.restore(settled)
            if notices:
                self._observe(conversation, notices)
            return None
        conversation.restore((*settled, in_flight))
        return self._act(conversation, in_flight.reply, notices)

    def _note_limits(self) -> None:
        """Record what the place really enforces, where it can say so."""
        if isinstance(self.environment, Limited):
            self.record(self.environment.enforced())

    def turn(self, conversation: Conversation, reply: Reply) -> Step:
        """Record a reply and act on it."""
        self.record(Replied(len(replies(self.events)) + 1, reply))
        return self._act(conversation, reply, ())

    def _act(self, conversation: Conversation, reply: Reply, notices: tuple[Message, ...]) -> Step:
        step = self.environment.step(reply)
        for event in step.events:
            self.record(event)
        if step.exit is None:
            self._observe(conversation, (*step.messages, *notices))
        elif step.messages:
            self.record(Observed(step.messages))  # nobody is told any more, but nothing is lost
        return step

    def _observe(self, conversation: Conversation, messages: tuple[Message, ...]) -> None:
        ids = conversation.observe(messages)
        self.record(Observed(messages, ids))
        self.commit()
