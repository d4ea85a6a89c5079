"""What the samples of an issue share: a copy of its repository, and what its tests said before."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from cwm_agent.batch.attempt_state import AttemptState
from envs.repository.verify import Verifier
from envs.sandbox.sandbox import Sandbox
from results.store import folder_name


@dataclass(slots=True)
class Shared:
    """Of one instance, as long as any attempt of it needs it. Each part has its own lock."""

    copy: Path
    users: set[AttemptState]
    copying: threading.Lock = field(default_factory=threading.Lock)
    judging: threading.Lock = field(default_factory=threading.Lock)
    verifier: Verifier | None = None


class SharedFiles:
    """Makes what is shared on first use, and forgets it when the last attempt is over."""

    def __init__(self, folder: Path, attempts: Sequence[AttemptState]) -> None:
        """`folder` belongs to this process; `attempts` are those still to be worked on."""
        self._folder = folder
        self._coming: dict[str, set[AttemptState]] = {}
        for attempt in attempts:
            self._coming.setdefault(attempt.job.instance, set()).add(attempt)
        self._lock = threading.Lock()
        self._shared: dict[str, Shared] = {}
        self._numbers = count()

    def repository(self, attempt: AttemptState) -> Path | None:
        """A copy of the job's checkout that nobody writes to; None when the image holds it."""
        source = attempt.job.source()
        if source is None:
            return None
        shared = self._enter(attempt)
        with shared.copying:
            if not shared.copy.exists():
                partial = shared.copy.with_name(f"{shared.copy.name}.partial")
                for notice in source.copy_to(partial):
                    attempt.tell(notice, "yellow")
                partial.rename(shared.copy)
        return shared.copy

    def verifier(self, attempt: AttemptState, make_sandbox: Callable[[], Sandbox]) -> Verifier:
        """A judge that knows what the tests say without a patch; raises SandboxError."""
        repository = self.repository(attempt)
        shared = self._enter(attempt)
        with shared.judging:
            if shared.verifier is None:
                verifier = Verifier(make_sandbox)
                verifier.before(attempt.job.task(repository))
                shared.verifier = verifier
        return shared.verifier.using(make_sandbox)

    def over(self, attempt: AttemptState) -> None:
        """The attempt ended for good, as far as one knows: it may be asked for again."""
        name = attempt.job.instance
        with self._lock:
            self._coming.get(name, set()).discard(attempt)
            shared = self._shared.get(name)
            if shared is None:
                return
            shared.users.discard(attempt)
            if shared.users or self._coming.get(name):
                return
            del self._shared[name]
        shutil.rmtree(shared.copy, ignore_errors=True)

    def _enter(self, attempt: AttemptState) -> Shared:
        """What is shared now; a later one has another folder, for this may just be removed."""
        name = attempt.job.instance
        with self._lock:
            if name not in self._shared:
                place = self._folder / f"{folder_name(name)}.{next(self._numbers)}"
                self._shared[name] = Shared(place, set())
            self._shared[name].users.add(attempt)
            return self._shared[name]
