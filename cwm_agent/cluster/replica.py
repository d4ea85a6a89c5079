"""One copy of the engine on a node, for attempts that run on others.

Nothing here knows Ray: the executor makes an actor of it that takes the GPUs
of the whole tensor-parallel group, which is so on one node.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from cwm_agent.cluster.lifeline import Lifeline
from cwm_agent.cluster.remote import ReplicaInfo
from cwm_agent.config.settings import Settings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy, open_policy
from cwm_agent.policies.errors import PolicyError
from cwm_agent.policies.policy import Conversation, Gradable, Question
from envs.environment import ReplyLimits
from model.stats import EngineStats
from results.records import Event, Graded, Message, Reply


class EngineReplica:
    """A checkpoint and its conversations by key. Methods are called from several threads."""

    def __init__(self, choice: PolicyChoice, settings: Settings) -> None:
        self._choice = choice
        self._settings = settings
        self._opened: OpenPolicy | None = None
        self._lock = threading.Lock()
        self._conversations: dict[str, Conversation] = {}

    def begin(self) -> None:
        """Tie this process to its node: no GPU stays taken by one that nobody reaches."""
        Lifeline()

    def load(self) -> ReplicaInfo:
        """Open the checkpoint, once; raises ModelError."""
        with self._lock:
            if self._opened is None:
                self._opened = open_policy(
                    self._choice, self._settings, show=lambda _text: None, say=lambda _text: None
                )
            opened = self._opened
        return ReplicaInfo(opened.policy.name, opened.thinking, opened.note, opened.context_tokens)

    def count(self, text: str) -> int:
        """See envs.environment.Meter."""
        return self._ready().policy.meter.count(text)

    def head(self, text: str, tokens: int) -> str:
        """See envs.environment.Meter."""
        return self._ready().policy.meter.head(text, tokens)

    def tail(self, text: str, tokens: int) -> str:
        """See envs.environment.Meter."""
        return self._ready().policy.meter.tail(text, tokens)

    def open(self, key: str, seed: int, temperature: float | None = None) -> None:
        """Open a conversation under a new name."""
        conversation = self._ready().policy.open(seed=seed, temperature=temperature)
        with self._lock:
            self._conversations[key] = conversation

    def observe(self, key: str, messages: Sequence[Message]) -> tuple[int, ...]:
        """See Conversation."""
        return self._of(key).observe(messages)

    def reply(self, key: str, limits: ReplyLimits) -> Reply:
        """See Conversation."""
        return self._of(key).reply(limits)

    def grade(self, key: str, question: Question) -> Graded:
        """See Gradable, which the conversations of an engine are."""
        conversation = self._of(key)
        assert isinstance(conversation, Gradable)
        return conversation.grade(question)

    def restore(self, key: str, events: Sequence[Event]) -> None:
        """See Conversation."""
        self._of(key).restore(events)

    def cancel(self, key: str) -> None:
        """End a running reply; harmless for a conversation that is closed."""
        with self._lock:
            conversation = self._conversations.get(key)
        if conversation is not None:
            conversation.cancel()

    def close(self, key: str) -> None:
        """Free a conversation, also in the middle of a reply; harmless for one that is closed."""
        with self._lock:
            conversation = self._conversations.pop(key, None)
        if conversation is not None:
            conversation.close()

    def engine_load(self) -> EngineStats:
        """What its engine has done and does now."""
        (load,) = self._ready().loads().values()
        return load

    def open_keys(self) -> list[str]:
        """The conversations that are held now."""
        with self._lock:
            return list(self._conversations)

    def _ready(self) -> OpenPolicy:
        if self._opened is None:
            raise PolicyError("the replica has not loaded its checkpoint; call `load` first")
        return self._opened

    def _of(self, key: str) -> Conversation:
        with self._lock:
            if key not in self._conversations:
                raise PolicyError(f"the replica has no conversation {key}; it was closed")
            return self._conversations[key]
