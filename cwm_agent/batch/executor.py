"""The joint between a run and the place where its attempts are worked on.

The runner decides which attempt is next; an executor does it and answers with
its result. Whatever the place, the work itself is `cwm_agent.batch.local.work.Work`
over the same journals, so a run may go on in another place than it began in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from model.stats import EngineStats
from results.records import AttemptResult
from results.store import Run


class Executor(Protocol):
    """Does attempts. Called from a thread of its own for each one."""

    def __call__(self, attempt: AttemptState) -> AttemptResult:
        """Begin or resume an attempt, and keep its state up to date.

        Raises SandboxError when a sandbox cannot be had, LostError when the
        place went away, StoppedError when the attempt was told to end before
        it began, ResultsError when the disk refuses.
        """

    def over(self, attempt: AttemptState) -> None:
        """The attempt ended for good, as far as one knows: it may be asked for again."""

    def loads(self) -> Mapping[str, EngineStats]:
        """What the engines do now, by name, at once; empty where nobody counts."""

    def engine(self, choice: PolicyChoice) -> OpenPolicy:
        """The model that answers, for tests that it shall write; not to be closed."""

    def resize(self, workers: int) -> None:
        """So many attempts at once are wanted from now on."""


OpenExecutor = Callable[
    [Run, Rules, Sequence[AttemptState], Callable[[str], None], Callable[[str], None]],
    AbstractContextManager[Executor],
]
"""Makes a place ready for the attempts of a run that are to come.

The functions take lines for the user and for the run's log.
"""
