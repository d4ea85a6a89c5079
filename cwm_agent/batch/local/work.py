"""The work on one attempt of a run: in its folder, within the limits, up to its result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.attempt.attempt import (
    MakeEnvironment,
    Rules,
    Setting,
    play,
    result_of,
)
from cwm_agent.attempt.environments import job_environment
from cwm_agent.attempt.judge import Judgement, judge, judged_there
from cwm_agent.attempt.rollout import Trajectory, finished
from cwm_agent.batch.attempt_state import AttemptState
from cwm_agent.batch.local.sandboxes import MakeSandbox, SandboxFactory
from cwm_agent.batch.local.shared_files import SharedFiles
from cwm_agent.batch.semaphores import OncePerKey, Semaphore
from cwm_agent.config.settings import BatchSettings
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.tasks.job import Job, write_job
from envs.cleanup import owned_folder
from envs.errors import SandboxError
from envs.issue.modes import Switches
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox
from results.journal import LOCK_TIMEOUT, Journal
from results.records import AttemptResult
from results.store import UNFINISHED, Attempt, Run


@dataclass(frozen=True, slots=True)
class Semaphores:
    """Limits that are apart from the number of workers."""

    sessions: Semaphore
    sandboxes: Semaphore
    grading: Semaphore

    @classmethod
    def of(cls, settings: BatchSettings) -> Semaphores:
        """As wide as the settings say."""
        semaphores = cls(Semaphore(1), Semaphore(1), Semaphore(settings.grading))
        semaphores.follow(settings, settings.workers)
        return semaphores

    def follow(self, settings: BatchSettings, workers: int) -> None:
        """Let in as many as now work, where the settings name no number."""
        self.sessions.resize(settings.sessions or workers)
        self.sandboxes.resize(settings.sandboxes or workers + settings.grading)


PolicyOpener = Callable[[PolicyChoice], AbstractContextManager[OpenPolicy]]
"""Gives the policy of a choice for as long as the context lasts."""


@dataclass(frozen=True, slots=True)
class Work:
    """What all attempts of a run share, on one machine; `solve` is a run of one.

    `open_policy` gives the policy of a choice; `sandboxes` prepares what an attempt's
    sandboxes need and gives their maker; `environment` is where the conversations happen.
    `lock_timeout` is how many seconds a journal's last writer may take to let go of it.
    """

    run: Run
    rules: Rules
    open_policy: PolicyOpener
    semaphores: Semaphores
    files: SharedFiles
    sandboxes: Callable[[AttemptState], MakeSandbox]
    environment: MakeEnvironment = job_environment
    lock_timeout: float = LOCK_TIMEOUT

    def __call__(self, attempt: AttemptState) -> AttemptResult:
        """Begin an attempt or go on with it; its result is written when it is over.

        Raises SandboxError when a sandbox cannot be had, StoppedError when it
        was told to end before it began, ResultsError when the disk refuses.
        """
        stored = self.run.attempt(attempt.job.instance, attempt.sample)
        write_job(stored.folder, attempt.job)
        with ExitStack() as stack:
            journal = stack.enter_context(stored.journal(lock_timeout=self.lock_timeout))
            known = stored.result()
            if known is not None and known.exit_reason not in UNFINISHED:
                return known  # a worker that was thought lost brought it to its end
            if not attempt.job.root:
                self.sandboxes(attempt)
                write_job(stored.folder, attempt.job)
            opened = stack.enter_context(self.open_policy(attempt.job.policy))
            setting = Setting(attempt.job, attempt.sample, self.rules, opened)
            trajectory = finished(journal.events, _counting(self.rules, attempt.job))
            if trajectory is None:
                trajectory = self._play(setting, attempt, journal)
            judgement = judged_there(trajectory.events)
            if trajectory.reason not in UNFINISHED and attempt.job.tests is not None:
                judgement = self._judge(attempt, trajectory, stored)
            result = result_of(setting, trajectory, judgement, stored.entries())
            stored.finish(result)
        return result

    def _play(self, setting: Setting, attempt: AttemptState, journal: Journal) -> Trajectory:
        semaphores, stop = self.semaphores, attempt.stop
        repository = self._repository(attempt)
        make = _nowhere if attempt.job.problem else self.sandboxes(attempt)
        attempt.say("waiting for a free session of the engine")
        with semaphores.sessions.hold(stop):
            attempt.say("waiting for a free sandbox")
            with semaphores.sandboxes.hold(stop):
                environment = self.environment(setting, repository, make)
                with stop:
                    return play(setting, environment, journal, stop, attempt.watch)

    def _judge(self, attempt: AttemptState, trajectory: Trajectory, stored: Attempt) -> Judgement:
        semaphores, stop = self.semaphores, attempt.stop
        attempt.state = "judging"
        attempt.say("waiting to be judged")
        repository = self._repository(attempt)
        make = self.sandboxes(attempt)
        with semaphores.grading.hold(stop), semaphores.sandboxes.hold(stop):
            attempt.tell("running the tests without and with the patch")
            verifier = self.files.verifier(attempt, make)
            keep = stored.keep_test_output
            return judge(attempt.job, repository, trajectory.patch, verifier, keep)

    def _repository(self, attempt: AttemptState) -> Path | None:
        attempt.say("copying the repository")
        return self.files.repository(attempt)


def _counting(rules: Rules, job: Job) -> Switches:
    """Which patch of a finished journal counts: an answer by the rule, and no other."""
    if job.problem is None:
        return rules.switches
    return replace(rules.switches, keep_submission_on_limit=False, submit_on_limit=False)


def _nowhere() -> Sandbox:
    raise SandboxError("a problem is answered without a sandbox", cause="not_available")


@contextmanager
def open_work(
    run: Run,
    rules: Rules,
    waiting: Sequence[AttemptState],
    open_policy: PolicyOpener,
    *,
    lock_timeout: float = LOCK_TIMEOUT,
) -> Iterator[Work]:
    """The work of this process on a run; what its attempts share is removed at the end."""
    settings = rules.resolved.settings
    owner = Owner(run.name, "repositories", 0, os.getpid(), boot_id())
    with owned_folder(owner) as folder:
        yield Work(
            run,
            rules,
            open_policy,
            Semaphores.of(settings.batch),
            SharedFiles(folder, waiting),
            SandboxFactory(
                run.name, settings.sandbox, OncePerKey(Semaphore(settings.batch.builds))
            ),
            lock_timeout=lock_timeout,
        )
