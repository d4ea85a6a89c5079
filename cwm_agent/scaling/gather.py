"""Evidence about all issues of a run, several at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.batch.semaphores import Semaphore
from cwm_agent.config.resolve import Resolved
from cwm_agent.config.settings import Settings
from cwm_agent.scaling.evidence.build import Places, build_evidence
from cwm_agent.scaling.evidence.code import Times
from cwm_agent.scaling.evidence.issue import SampledIssue, sampled_issues
from cwm_agent.scaling.evidence.plan import Options
from cwm_agent.scaling.evidence.scripts import Script
from cwm_agent.scaling.evidence.traced import Predict
from cwm_agent.scaling.table import Table
from envs.cleanup import owned_folder
from envs.errors import SandboxError
from envs.progress import Say, quiet
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox
from envs.task import IssueTask
from results.store import Run, folder_name

Generate = Callable[[SampledIssue, IssueTask, Callable[[], Sandbox]], Sequence[Script]]
"""Has the model write tests for an issue."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """The evidence about one issue, or why there is none."""

    instance: str
    table: Table | None
    error: str = ""


def options_of(settings: Settings) -> Options:
    """How much evidence the settings ask for."""
    wanted = settings.scaling
    return Options(wanted.existing, wanted.tests, wanted.calls, wanted.repeats, wanted.traces)


def gather(
    run: Run,
    resolved: Resolved,
    say: Say,
    *,
    instances: Sequence[str] = (),
    generate: Generate | None = None,
    predict: Predict | None = None,
) -> Iterator[Gathered]:
    """The tables of a run's issues, each as it is ready; they are written, too.

    What was executed before is not executed again, so this goes on after a crash.
    An issue that no sandbox can be had for is reported and left out.
    """
    issues = sampled_issues(run, instances)
    settings = resolved.settings
    with _gatherer(run, settings, say, generate, predict) as one:
        pool = ThreadPoolExecutor(max(1, min(settings.batch.workers, len(issues))))
        try:
            futures = [pool.submit(one, issue) for issue in issues]
            for future in as_completed(futures):
                yield future.result()
        finally:
            _end(pool, futures, one.stop)


def _end(pool: ThreadPoolExecutor, futures: Sequence[Future[Gathered]], stop: CancelToken) -> None:
    """Let nothing run on that nobody waits for."""
    if not all(future.done() for future in futures):
        stop.force()
    pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Gatherer:
    run: Run
    settings: Settings
    scratch: Path
    room: Semaphore
    stop: CancelToken
    say: Say
    generate: Generate | None
    predict: Predict | None

    def __call__(self, issue: SampledIssue) -> Gathered:
        """The evidence about one issue."""
        try:
            return Gathered(issue.instance, self._build(issue))
        except SandboxError as error:
            if self.stop.stopped:
                raise
            return Gathered(issue.instance, None, str(error))

    def _build(self, issue: SampledIssue) -> Table:
        owner = Owner(self.run.name, issue.instance, 0, os.getpid(), boot_id())
        maker = SandboxMaker(issue.job, self.settings.sandbox, owner, quiet)
        job = maker.locate()
        issue = replace(issue, job=job)
        with ExitStack() as stack:
            task = job.task(self._repository(issue, stack))
            places = Places(
                self._killable(maker), self.room, self.stop, self.settings.sandbox.retries
            )
            written = self.generate(issue, task, places.make) if self.generate else ()
            times = Times(
                self.settings.scaling.test_seconds, self.settings.scaling.existing_seconds
            )
            return build_evidence(
                issue,
                task,
                places,
                options_of(self.settings),
                times=times,
                generated=written,
                predict=self.predict,
                say=self.say,
            )

    def _killable(self, maker: SandboxMaker) -> Callable[[], Sandbox]:
        """Sandboxes that end when the whole is told to."""

        def make() -> Sandbox:
            sandbox = maker.make()
            earlier = self.stop.kill

            def kill() -> None:
                sandbox.kill()
                if earlier is not None:
                    earlier()

            self.stop.kill = kill
            return sandbox

        return make

    def _repository(self, issue: SampledIssue, stack: ExitStack) -> Path | None:
        source = issue.job.source()
        if source is None:
            return None
        import shutil

        copy = self.scratch / folder_name(issue.instance)
        stack.callback(shutil.rmtree, copy, ignore_errors=True)
        for notice in source.copy_to(copy):
            self.say(f"{issue.instance}: {notice}")
        return copy


@contextmanager
def _gatherer(
    run: Run,
    settings: Settings,
    say: Say,
    generate: Generate | None,
    predict: Predict | None,
) -> Iterator[_Gatherer]:
    owner = Owner(run.name, "evidence", 0, os.getpid(), boot_id())
    with owned_folder(owner) as scratch:
        room = Semaphore(settings.batch.sandboxes or settings.batch.workers)
        yield _Gatherer(run, settings, scratch, room, CancelToken(), say, generate, predict)
