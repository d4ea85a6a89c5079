"""What the samples of an issue share: a copy of its repository, and what its tests said before."""

from __future__ import annotations

import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.batch.gates import Gate, Once
from cwm_agent.interrupt import Stop
from cwm_agent.job import Job
from envs.sandbox import Sandbox
from envs.verify import Verifier
from results.store import folder_name

COPIES_AT_ONCE = 4


@dataclass
class Shared:
    """Of one instance, as long as an attempt of it is not over."""

    verifier: Verifier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Materials:
    """Makes what is shared on first use, and forgets it after an instance's last attempt."""

    def __init__(self, folder: Path, jobs: Sequence[Job]) -> None:
        """`folder` is the run's own and goes with it; `jobs` name an instance once a sample."""
        self._folder = folder
        self._open = Counter(job.instance for job in jobs)
        self._lock = threading.Lock()
        self._shared: dict[str, Shared] = {}
        self._copies = Once(Gate(COPIES_AT_ONCE))

    def repository(self, job: Job, stop: Stop) -> Path | None:
        """A copy of the job's checkout that nobody writes to; None when the image holds it."""
        source = job.source()
        if source is None:
            return None
        copy = self._folder / folder_name(job.instance)
        self._copies.ensure(job.instance, lambda: source.copy_to(copy), stop)
        return copy

    def verifier(
        self, job: Job, repository: Path | None, make_sandbox: Callable[[], Sandbox]
    ) -> Verifier:
        """A judge that knows what the tests say without a patch."""
        with self._lock:
            shared = self._shared.setdefault(job.instance, Shared())
        with shared.lock:
            if shared.verifier is None:
                verifier = Verifier(make_sandbox)
                verifier.before(job.task(repository))
                shared.verifier = verifier
        return shared.verifier.using(make_sandbox)

    def over(self, job: Job) -> None:
        """An attempt of the instance ended for good."""
        with self._lock:
            self._open[job.instance] -= 1
            if self._open[job.instance] > 0:
                return
            self._shared.pop(job.instance, None)
            self._copies.forget(job.instance)
        shutil.rmtree(self._folder / folder_name(job.instance), ignore_errors=True)
