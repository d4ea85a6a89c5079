"""The copies of the engine: which conversation goes to which, and what happens when one is gone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.semaphores import LOOK, StoppedError
from cwm_agent.cluster.connect import import_ray
from cwm_agent.cluster.remote import About, ReplicaHandle
from cwm_agent.cluster.routing import choose_replica
from cwm_agent.errors import LostError
from model.stats import EngineStats

LOADS = 3
"""How often in a row one may fail to load before it is given up."""
ANSWER_SECONDS = 10.0
"""How long a replica may take to say that it is there."""


@dataclass(slots=True, eq=False)
class Copy:
    """One actor. `about` is None until its checkpoint is loaded; `error` says why it never will.

    `load` is what it last said of its engine, `asked` the question under way.
    """

    number: int
    actor: Any
    loading: Any
    about: About | None = None
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
        self._copies = {number: self._new(number) for number in range(count)}
        self._homes: dict[str, int] = {}

    def wait_for_first(self) -> None:
        """Until one can talk; raises the ModelError of a checkpoint that cannot be loaded."""
        refs = [copy.loading for copy in self._copies.values()]
        done, _ = self._ray.wait(refs, num_returns=1)
        try:
            self._ray.get(done[0])
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error

    @contextmanager
    def seat(self, attempt: AttemptState, key: str) -> Iterator[Copy]:
        """A replica for the conversation `key`, which stays with it; waits until one is up.

        Raises StoppedError when the attempt shall end, and why they do not
        load when all are given up.
        """
        attempt.say("waiting for an engine")
        while (copy := self._take(attempt.job.instance)) is None:
            if attempt.stop.wait(LOOK):
                raise StoppedError
        try:
            yield copy
        finally:
            with self._lock:
                copy.sessions -= 1
            copy.actor.close.remote(key)  # the worker may have ended without closing it

    def handle(self, copy: Copy) -> ReplicaHandle:
        """What a worker needs to talk to it."""
        assert copy.about is not None
        return ReplicaHandle(copy.actor, copy.about)

    def loads(self) -> dict[str, EngineStats]:
        """What the engines last said they do, by copy; asks them again without waiting."""
        with self._lock:
            copies = [copy for copy in self._copies.values() if copy.about is not None]
        for copy in copies:
            self._look(copy)
        return {f"replica {copy.number}": copy.load for copy in copies if copy.load is not None}

    def replace_if_gone(self, copy: Copy) -> None:
        """Ask whether it is there; if nothing comes, start another one in its place."""
        try:
            self._ray.get(copy.actor.open_keys.remote(), timeout=ANSWER_SECONDS)
        except self._ray.exceptions.RayError:
            with self._lock:
                if self._copies[copy.number] is copy:
                    self._kill(copy)
                    self._copies[copy.number] = self._new(copy.number)

    def close(self) -> None:
        """End all."""
        with self._lock:
            for copy in self._copies.values():
                self._kill(copy)

    def _look(self, copy: Copy) -> None:
        """Take an answer that is there, then ask the next time."""
        if copy.asked is None:
            copy.asked = copy.actor.engine_load.remote()
        elif self._ray.wait([copy.asked], timeout=0)[0]:
            with contextlib.suppress(self._ray.exceptions.RayError):
                copy.load = self._ray.get(copy.asked)
            copy.asked = None

    def _take(self, instance: str) -> Copy | None:
        """A place at a replica that is up, None when none is."""
        with self._lock:
            up = {copy.number: copy.sessions for copy in self._copies.values() if self._up(copy)}
            if not up:
                errors = [copy.error for copy in self._copies.values()]
                if all(errors) and errors[0] is not None:
                    raise errors[0]
                return None
            number = choose_replica(up, self._homes.get(instance))
            self._homes[instance] = number
            copy = self._copies[number]
            copy.sessions += 1
            return copy

    def _up(self, copy: Copy) -> bool:
        if copy.about is None and copy.error is None:
            done, _ = self._ray.wait([copy.loading], timeout=0)
            if done:
                try:
                    copy.about = self._ray.get(copy.loading)
                except self._ray.exceptions.RayError as error:
                    self._load_again(copy, error)
        return copy.about is not None

    def _load_again(self, copy: Copy, error: Any) -> None:
        """Its node went away while it loaded, or the checkpoint cannot be loaded there."""
        self._kill(copy)
        if copy.tries < LOADS:
            self._copies[copy.number] = self._new(copy.number, copy.tries + 1)
        else:
            cause = getattr(error, "cause", None)
            copy.error = cause if isinstance(cause, Exception) else LostError(str(error).strip())

    def _new(self, number: int, tries: int = 1) -> Copy:
        actor = self._make()
        actor.begin.remote()
        return Copy(number, actor, actor.load.remote(), tries=tries)

    def _kill(self, copy: Copy) -> None:
        with contextlib.suppress(Exception):
            self._ray.kill(copy.actor)
