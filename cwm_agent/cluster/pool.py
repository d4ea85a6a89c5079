"""The workers of a run: each takes a slot of its node for as long as it lives."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.semaphores import POLL_SECONDS, StoppedError
from cwm_agent.cluster.connect import import_ray
from cwm_agent.cluster.routing import Free, choose_worker
from cwm_agent.errors import LostError
from cwm_agent.tasks.job import Job

CLOSE_SECONDS = 10.0
STARTS = 5
"""Workers in a row that may fail to start before attempts are told why."""


@dataclass(slots=True, eq=False)
class PooledWorker:
    """One actor of AttemptWorker. `node` is known once it is up."""

    actor: Any
    starting: Any
    node: str = ""
    instance: str = ""


def environment_of(job: Job) -> Hashable:
    """What has to be on a node before a sandbox of this job can be made."""
    return (
        job.sandbox,
        job.image,
        job.build,
        job.pip,
        job.apt,
        tuple(sorted(job.environment.items())),
    )


@dataclass(eq=False)
class Pool:
    """Makes workers as attempts ask for them, at most `limit`. Called from many threads.

    `log` is told of workers that did not start.
    """

    make: Callable[[], Any]
    limit: int
    log: Callable[[str], None]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _starting: list[PooledWorker] = field(default_factory=list)
    _free: list[PooledWorker] = field(default_factory=list)
    _busy: set[PooledWorker] = field(default_factory=set)
    _present: dict[str, set[Hashable]] = field(default_factory=dict)
    _failed_starts: int = 0

    @contextmanager
    def worker(self, attempt: AttemptState) -> Iterator[PooledWorker]:
        """A worker for one attempt, waited for.

        Raises StoppedError when the attempt shall end, LostError when no worker starts.
        """
        attempt.say("waiting for a slot of the cluster")
        while (worker := self._take(attempt.job)) is None:
            if attempt.stop.wait(POLL_SECONDS):
                raise StoppedError
        try:
            yield worker
        finally:
            self._give_back(worker)

    def lost(self, worker: PooledWorker) -> None:
        """It does not answer any more; a new one takes its place where a slot is free."""
        with self._lock:
            self._busy.discard(worker)
        self._kill(worker)

    def resize(self, limit: int) -> None:
        """At most so many from now on; those that work beyond it go on to their end."""
        with self._lock:
            self.limit = limit
            surplus = self._surplus()
        for worker in surplus:
            self._kill(worker)

    def close(self) -> None:
        """End all; what they keep is removed, by themselves or by the next sweep."""
        ray = import_ray()
        with self._lock:
            up = [*self._free, *self._busy]
            workers = [*up, *self._starting]
            self._free, self._busy, self._starting = [], set(), []
        if up:
            ray.wait(
                [m.actor.close.remote() for m in up], num_returns=len(up), timeout=CLOSE_SECONDS
            )
        for worker in workers:
            self._kill(worker)

    def _take(self, job: Job) -> PooledWorker | None:
        with self._lock:
            self._look_at_starting()
            if not self._free:
                wanted = len(self._busy) + len(self._starting) < self.limit
                if wanted:
                    actor = self.make()
                    self._starting.append(PooledWorker(actor, actor.begin.remote()))
                return None
            free = [Free(worker.node, worker.instance) for worker in self._free]
            environment = environment_of(job)
            place = choose_worker(free, job.instance, environment, self._present)
            worker = self._free.pop(place)
            worker.instance = job.instance
            self._present.setdefault(worker.node, set()).add(environment)
            self._busy.add(worker)
            return worker

    def _look_at_starting(self) -> None:
        """Those that are up become free; those whose node died are forgotten."""
        ray = import_ray()
        for worker in list(self._starting):
            done, _ = ray.wait([worker.starting], timeout=0)
            if not done:
                continue
            self._starting.remove(worker)
            try:
                worker.node = ray.get(worker.starting)
            except ray.exceptions.RayError as error:
                self._count_failed_start(error)
                continue
            self._failed_starts = 0
            self._free.append(worker)

    def _count_failed_start(self, error: Exception) -> None:
        """A node that just died is no reason to worry; the same again and again is."""
        self._failed_starts += 1
        self.log(f"a worker did not start: {str(error).strip()}")
        if self._failed_starts >= STARTS:
            self._failed_starts = 0
            raise LostError(
                f"{STARTS} workers in a row did not start; the last one: {str(error).strip()}"
            ) from error

    def _give_back(self, worker: PooledWorker) -> None:
        with self._lock:
            if worker not in self._busy:
                return
            self._busy.discard(worker)
            self._free.append(worker)
            surplus = self._surplus()
        for gone in surplus:
            self._kill(gone)

    def _surplus(self) -> list[PooledWorker]:
        """Free ones beyond the limit, taken out; the caller holds the lock."""
        count = len(self._busy) + len(self._free) + len(self._starting) - self.limit
        gone = []
        while count > 0 and self._free:
            gone.append(self._free.pop(0))
            count -= 1
        return gone

    def _kill(self, worker: PooledWorker) -> None:
        with contextlib.suppress(Exception):
            import_ray().kill(worker.actor)
