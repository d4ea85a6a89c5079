"""The policy of an attempt whose engine runs on another node.

A conversation stays with the replica that it was opened on, because its keys
and values are there. When the replica is gone, the attempt ends as with any
failing policy, and is gone on with elsewhere from its journal.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cwm_agent.policies.errors import PolicyError
from cwm_agent.policies.policy import Question
from envs.environment import ReplyLimits
from results.records import Event, Graded, Message, Reply

REPLIES = "replies"
"""The replica's threads for what takes long; all other calls have threads of their own."""


@dataclass(frozen=True, slots=True)
class ReplicaInfo:
    """What `cwm_agent.policies.choose.OpenPolicy` says of the engine, and its name."""

    name: str
    thinking: bool
    note: str
    context_tokens: int | None


@dataclass(frozen=True, slots=True)
class ReplicaHandle:
    """A Ray actor of `cwm_agent.cluster.replica.EngineReplica`, and what it said of itself."""

    actor: Any
    info: ReplicaInfo


class RemotePolicy:
    """A replica as a policy. `key` names the conversation of one try at an attempt there; with ""
    each one that is opened gets a name of its own."""

    def __init__(self, replica: ReplicaHandle, key: str = "") -> None:
        self._replica = replica
        self._key = key
        self.lost = False
        """Whether the replica went away."""

    @property
    def name(self) -> str:
        """As of the engine in this process: the place makes no other policy of it."""
        return self._replica.info.name

    @property
    def meter(self) -> RemotePolicy:
        """It counts by asking: the nodes of sandboxes need no checkpoint."""
        return self

    def count(self, text: str) -> int:
        """See envs.environment.Meter."""
        counted: int = self.ask("count", text)
        return counted

    def head(self, text: str, tokens: int) -> str:
        """See envs.environment.Meter."""
        cut: str = self.ask("head", text, tokens)
        return cut

    def tail(self, text: str, tokens: int) -> str:
        """See envs.environment.Meter."""
        cut: str = self.ask("tail", text, tokens)
        return cut

    def open(self, *, seed: int, temperature: float | None = None) -> RemoteConversation:
        """The conversation of this try, or another one."""
        key = self._key or uuid.uuid4().hex
        self.ask("open", key, seed, temperature)
        return RemoteConversation(self, key)

    def close(self) -> None:
        """The replica serves others, too."""

    def ask(self, method: str, *arguments: object, group: str = "") -> Any:
        """Call the replica; raises its own ModelError, or PolicyError when it is gone."""
        import ray
        from ray.exceptions import RayError, RayTaskError

        call = getattr(self._replica.actor, method)
        try:
            if group:
                call = call.options(concurrency_group=group)
            return ray.get(call.remote(*arguments))
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            self.lost = True
            raise PolicyError(
                "the engine's node or process died; the attempt continues from its journal "
                "on another one"
            ) from error


class RemoteConversation:
    """One dialogue with a replica."""

    def __init__(self, policy: RemotePolicy, key: str) -> None:
        self._policy = policy
        self._key = key

    def observe(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Append messages; returns the token ids that they became."""
        ids: tuple[int, ...] = self._policy.ask("observe", self._key, tuple(messages))
        return ids

    def reply(self, limits: ReplyLimits) -> Reply:
        """The next assistant message."""
        reply: Reply = self._policy.ask("reply", self._key, limits, group=REPLIES)
        return reply

    def grade(self, question: Question) -> Graded:
        """See Gradable: a replica's engine forks the conversation."""
        graded: Graded = self._policy.ask("grade", self._key, question, group=REPLIES)
        return graded

    def restore(self, events: Sequence[Event]) -> None:
        """Take the history of an interrupted attempt."""
        self._policy.ask("restore", self._key, tuple(events))

    def cancel(self) -> None:
        """End a running reply; a replica that is gone says nothing more."""
        try:
            self._policy.ask("cancel", self._key)
        except PolicyError:
            return

    def close(self) -> None:
        """Free keys and values; they went with a replica that is gone."""
        try:
            self._policy.ask("close", self._key)
        except PolicyError:
            return
