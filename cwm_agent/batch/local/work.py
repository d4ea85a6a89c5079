"""The work on one attempt of a run: in its folder, through the gates, up to its result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
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
from cwm_agent.tasks.job import write_job
from envs.cleanup import owned_folder
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner
from results.journal import LOCK_PATIENCE, Journal
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
        gates = cls(Semaphore(1), Semaphore(1), Semaphore(settings.grading))
        gates.follow(settings, settings.workers)
        return gates

    def follow(self, settings: BatchSettings, workers: int) -> None:
        """Let in as many as now work, where the settings name no number."""
        self.sessions.resize(settings.sessions or workers)
        self.sandboxes.resize(settings.sandboxes or workers + settings.grading)


OpenSpeaker = Callable[[PolicyChoice], AbstractContextManager[OpenPolicy]]
"""Who answers for a choice, as long as the context lasts."""


@dataclass(frozen=True, slots=True)
class Work:
    """What all attempts of a run share, on one machine; `solve` is a run of one.

    `speaker` gives who answers; `places` makes ready what an attempt's sandboxes
    need and gives their maker; `environment` is where the conversations happen.
    `patience` is how many seconds a journal's last writer may take to let go of it.
    """

    run: Run
    rules: Rules
    speaker: OpenSpeaker
    gates: Semaphores
    materials: SharedFiles
    places: Callable[[AttemptState], MakeSandbox]
    environment: MakeEnvironment = job_environment
    patience: float = LOCK_PATIENCE

    def __call__(self, ticket: AttemptState) -> AttemptResult:
        """Begin an attempt or go on with it; its result is written when it is over.

        Raises SandboxError when a sandbox cannot be had, StoppedError when it
        was told to end before it began, ResultsError when the disk refuses.
        """
        attempt = self.run.attempt(ticket.job.instance, ticket.sample)
        write_job(attempt.folder, ticket.job)
        with ExitStack() as stack:
            journal = stack.enter_context(attempt.journal(patience=self.patience))
            known = attempt.result()
            if known is not None and known.exit_reason not in UNFINISHED:
                return known  # a worker that was thought lost brought it to its end
            if not ticket.job.root:
                self.places(ticket)
                write_job(attempt.folder, ticket.job)
            speaker = stack.enter_context(self.speaker(ticket.job.policy))
            setting = Setting(ticket.job, ticket.sample, self.rules, speaker)
            trajectory = finished(journal.events, self.rules.switches)
            if trajectory is None:
                trajectory = self._play(setting, ticket, journal)
            judgement = judged_there(trajectory.events)
            if trajectory.reason not in UNFINISHED and ticket.job.tests is not None:
                judgement = self._judge(ticket, trajectory, attempt)
            result = result_of(setting, trajectory, judgement, attempt.entries())
            attempt.finish(result)
        return result

    def _play(self, setting: Setting, ticket: AttemptState, journal: Journal) -> Trajectory:
        gates, stop = self.gates, ticket.stop
        repository = self._repository(ticket)
        make = self.places(ticket)
        ticket.say("waiting for a place in the engine")
        with gates.sessions.hold(stop):
            ticket.say("waiting for a sandbox's place")
            with gates.sandboxes.hold(stop):
                environment = self.environment(setting, repository, make)
                with stop:
                    return play(setting, environment, journal, stop, ticket.watch)

    def _judge(self, ticket: AttemptState, trajectory: Trajectory, attempt: Attempt) -> Judgement:
        gates, stop = self.gates, ticket.stop
        ticket.state = "judging"
        ticket.say("waiting to be judged")
        repository = self._repository(ticket)
        make = self.places(ticket)
        with gates.grading.hold(stop), gates.sandboxes.hold(stop):
            ticket.tell("running the tests without and with the patch")
            verifier = self.materials.verifier(ticket, make)
            keep = attempt.keep_test_output
            return judge(ticket.job, repository, trajectory.patch, verifier, keep)

    def _repository(self, ticket: AttemptState) -> Path | None:
        ticket.say("copying the repository")
        return self.materials.repository(ticket)


@contextmanager
def open_work(
    run: Run,
    rules: Rules,
    waiting: Sequence[AttemptState],
    speaker: OpenSpeaker,
    *,
    patience: float = LOCK_PATIENCE,
) -> Iterator[Work]:
    """The work of this process on a run; what its attempts share is removed at the end."""
    settings = rules.resolved.settings
    owner = Owner(run.name, "repositories", 0, os.getpid(), boot_id())
    with owned_folder(owner) as folder:
        yield Work(
            run,
            rules,
            speaker,
            Semaphores.of(settings.batch),
            SharedFiles(folder, waiting),
            SandboxFactory(
                run.name, settings.sandbox, OncePerKey(Semaphore(settings.batch.builds))
            ),
            patience=patience,
        )
