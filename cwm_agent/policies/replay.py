"""A policy that plays a recorded conversation, reply after reply."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from cwm_agent.policies.errors import PolicyError
from cwm_agent.policies.estimate import EstimatingMeter, Transcript
from cwm_agent.policies.recording import Recording
from envs.environment import ReplyLimits
from results.records import Event as Recorded
from results.records import Message, Reply


class ReplayPolicy:
    """Says what a recording says. No model runs; everything after the reply is real."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._meter = EstimatingMeter()

    @property
    def name(self) -> str:
        """ "replay:" and the recording's name."""
        return f"replay:{self._recording.name}"

    @property
    def meter(self) -> EstimatingMeter:
        """Estimates tokens from characters."""
        return self._meter

    def open(self, *, seed: int, temperature: float | None = None) -> ReplayConversation:
        """Play the recording from its start; nothing is sampled."""
        del seed, temperature
        return ReplayConversation(self._recording, self._meter)

    def close(self) -> None:
        """Nothing is held."""


class ReplayConversation:
    """One playing of a recording."""

    def __init__(self, recording: Recording, meter: EstimatingMeter) -> None:
        self._recording = recording
        self._transcript = Transcript(meter)
        self._cancelled = Event()

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Count them; a recording does not listen."""
        self._transcript.observe(messages)
        return ()

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next recorded reply; raises PolicyError when there is none left."""
        del limits
        played = self._transcript.replies
        if played >= len(self._recording.replies):
            raise PolicyError(
                f"the recording {self._recording.source} ended after {played} replies and the "
                "attempt is not over; add the missing replies (the last one must be a final "
                "answer after a submit) or play another recording"
            )
        seconds = self._recording.seconds
        if self._cancelled.wait(seconds):
            self._cancelled.clear()
            return Reply("", finish="cancelled")
        return self._transcript.replied(self._recording.replies[played], seconds=seconds)

    def restore(self, events: Sequence[Recorded]) -> None:
        """Go on after the replies that the journal already holds."""
        self._transcript.restore(events)

    def cancel(self) -> None:
        """End a reply that takes its time; if none does, the next one ends at once."""
        self._cancelled.set()

    def close(self) -> None:
        """Nothing is held."""
