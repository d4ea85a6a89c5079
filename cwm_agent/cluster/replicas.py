"""The replicas of the engine: which conversation goes to which, and what follows a lost one."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.semaphores import POLL_SECONDS, StoppedError
from cwm_agent.cluster.connect import import_ray
from cwm_agent.cluster.remote import ReplicaHandle, ReplicaInfo
from cwm_agent.cluster.routing import choose_replica
from cwm_agent.errors import LostError
from model.stats import EngineStats

LOADS = 3
"""How often in a row one may fail to load before it is given up."""
ANSWER_SECONDS = 10.0
"""How long a replica may take to say that it is there."""


@dataclass(slots=True, eq=False)
class Replica:
    """One actor. `info` is None until its checkpoint is loaded; `error` says why it never will.

    `load` is what it last said of its engine, `asked` the question under way.
    """

    number: int
    actor: Any
    loading: Any
    info: ReplicaInfo | None = None
    sessions: int = 0
    asked: Any = None
    load: EngineStats | None = None
    tries: int = 1
    error: Exception | None = None


class Replicas:
    """As many actors as are wanted; one that is gone is replaced where there is room for it."""

    def __init__(self, make: Callable[[], Any], count: int) -> None:
        """`make` makes an actor of EngineReplica."""
        self._ray = import_ray()
        self._make = make
        self._lock = threading.Lock()
        self._replicas = {number: self._new(number) for number in range(count)}
        self._last_used: dict[str, int] = {}

    def wait_for_first(self) -> None:
        """Until one can talk; raises the ModelError of a checkpoint that cannot be loaded."""
        refs = [replica.loading for replica in self._replicas.values()]
        done, _ = self._ray.wait(refs, num_returns=1)
        try:
            self._ray.get(done[0])
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error

    @contextmanager
    def reserve(self, attempt: AttemptState, key: str) -> Iterator[Replica]:
        """A replica for the conversation `key`, which stays with it; waits until one is up.

        Raises StoppedError when the attempt shall end, and why they do not
        load when all are given up.
        """
        attempt.say("waiting for an engine")
        while (replica := self._take(attempt.job.instance)) is None:
            if attempt.stop.wait(POLL_SECONDS):
                raise StoppedError
        try:
            yield replica
        finally:
            with self._lock:
                replica.sessions -= 1
            replica.actor.close.remote(key)  # the worker may have ended without closing it

    def handle(self, replica: Replica) -> ReplicaHandle:
        """What a worker needs to talk to it."""
        assert replica.info is not None
        return ReplicaHandle(replica.actor, replica.info)

    def any(self) -> ReplicaHandle:
        """One that is up, for conversations beside attempts; waits, and raises as `reserve`."""
        while (replica := self._take("")) is None:
            time.sleep(POLL_SECONDS)
        with self._lock:
            replica.sessions -= 1
        return self.handle(replica)

    def loads(self) -> dict[str, EngineStats]:
        """What the engines last said they do, by replica; asks them again without waiting."""
        with self._lock:
            replicas = [replica for replica in self._replicas.values() if replica.info is not None]
        for replica in replicas:
            self._look(replica)
        return {
            f"replica {replica.number}": replica.load
            for replica in replicas
            if replica.load is not None
        }

    def replace_if_gone(self, replica: Replica) -> None:
        """Ask whether it is there; if nothing comes, start another one in its place."""
        try:
            self._ray.get(replica.actor.open_keys.remote(), timeout=ANSWER_SECONDS)
        except self._ray.exceptions.RayError:
            with self._lock:
                if self._replicas[replica.number] is replica:
                    self._kill(replica)
                    self._replicas[replica.number] = self._new(replica.number)

    def close(self) -> None:
        """End all."""
        with self._lock:
            for replica in self._replicas.values():
                self._kill(replica)

    def _look(self, replica: Replica) -> None:
        """Take an answer that is there, then ask the next time."""
        if replica.asked is None:
            replica.asked = replica.actor.engine_load.remote()
        elif self._ray.wait([replica.asked], timeout=0)[0]:
            with contextlib.suppress(self._ray.exceptions.RayError):
                replica.load = self._ray.get(replica.asked)
            replica.asked = None

    def _take(self, instance: str) -> Replica | None:
        """A place at a replica that is up, None when none is."""
        with self._lock:
            up = {
                replica.number: replica.sessions
                for replica in self._replicas.values()
                if self._up(replica)
            }
            if not up:
                errors = [replica.error for replica in self._replicas.values()]
                if all(errors) and errors[0] is not None:
                    raise errors[0]
                return None
            number = choose_replica(up, self._last_used.get(instance))
            self._last_used[instance] = number
            replica = self._replicas[number]
            replica.sessions += 1
            return replica

    def _up(self, replica: Replica) -> bool:
        if replica.info is None and replica.error is None:
            done, _ = self._ray.wait([replica.loading], timeout=0)
            if done:
                try:
                    replica.info = self._ray.get(replica.loading)
                except self._ray.exceptions.RayError as error:
                    self._load_again(replica, error)
        return replica.info is not None

    def _load_again(self, replica: Replica, error: Any) -> None:
        """Its node went away while it loaded, or the checkpoint cannot be loaded there."""
        self._kill(replica)
        if replica.tries < LOADS:
            self._replicas[replica.number] = self._new(replica.number, replica.tries + 1)
        else:
            cause = getattr(error, "cause", None)
            replica.error = cause if isinstance(cause, Exception) else LostError(str(error).strip())

    def _new(self, number: int, tries: int = 1) -> Replica:
        actor = self._make()
        actor.begin.remote()
        return Replica(number, actor, actor.load.remote(), tries=tries)

    def _kill(self, replica: Replica) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(replica.actor)
