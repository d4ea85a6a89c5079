"""Attempts in threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from cwm_agent.attempt.attempt import Rules
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.local.policies import Policies
from cwm_agent.batch.local.work import Work, open_work
from cwm_agent.config.settings import BatchSettings
from cwm_agent.policies.choice import SHARED, PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from model.stats import EngineStats
from results.records import AttemptResult
from results.store import Run


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """See cwm_agent.batch.executor.Executor."""

    work: Work
    settings: BatchSettings
    policies: Policies

    def __call__(self, attempt: AttemptState) -> AttemptResult:
        """The attempt, in the calling thread."""
        return self.work(attempt)

    def over(self, attempt: AttemptState) -> None:
        """Forget what only this attempt needed."""
        self.work.files.over(attempt)

    def loads(self) -> dict[str, EngineStats]:
        """What the engines and servers do now."""
        return self.policies.loads()

    def engine(self, choice: PolicyChoice) -> OpenPolicy:
        """The one that the attempts talk to."""
        return self.policies.shared(choice)

    def resize(self, workers: int) -> None:
        """Let more or fewer attempts work at once."""
        self.work.semaphores.follow(self.settings, workers)


@contextmanager
def local_executor(
    run: Run,
    rules: Rules,
    waiting: Sequence[AttemptState],
    say: Callable[[str], None],
    log: Callable[[str], None],
) -> Iterator[LocalExecutor]:
    """This process as the place; opens the checkpoints that will speak, raising ModelError."""
    del log
    settings = rules.resolved.settings
    with ExitStack() as stack:
        tools = any(attempt.job.problem is None for attempt in waiting)
        policies = Policies(settings, say, tools=tools)
        stack.callback(policies.close)
        work = stack.enter_context(open_work(run, rules, waiting, policies.open))
        for choice in {t.job.policy for t in waiting if t.job.policy.kind in SHARED}:
            policies.shared(choice)  # a bad checkpoint is no failure of every attempt
        yield LocalExecutor(work, settings.batch, policies)
