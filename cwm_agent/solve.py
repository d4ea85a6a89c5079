"""One issue, one repository, one attempt: from a job to a judged patch in a run folder."""

from __future__ import annotations

import os
import shlex
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from cwm_agent.attempt.attempt import Rules, Setting, issue_environment, play, result_of
from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.judge import Judgement, judge
from cwm_agent.attempt.retries import Retries, insist, play_on
from cwm_agent.attempt.rollout import EventLog, Trajectory, finished
from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.checkout import apply_patch
from cwm_agent.config import Resolved
from cwm_agent.errors import UsageError
from cwm_agent.job import COPY, Job, write_job
from cwm_agent.policies.choose import Speaker, open_policy
from cwm_agent.progress import Progress
from envs.owner import boot_id
from envs.sandbox import Owner
from envs.verify import Verifier
from results.journal import Journal
from results.records import AttemptResult
from results.store import UNFINISHED, Attempt, Run, Store

SAMPLE = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `solve` hands to its caller. `applied` lists the files changed in the checkout."""

    run: Run
    result: AttemptResult
    applied: tuple[str, ...] | None = None


def start(
    store: Store, name: str | None, job: Job, resolved: Resolved, progress: Progress
) -> Outcome:
    """Solve a new job in a new run folder; the folder goes again if the attempt cannot begin."""
    rules = Rules.of(resolved)
    run = store.create(rules.run_info(), name)
    attempt = run.attempt(job.instance, SAMPLE)
    try:
        job = _located(run, job, resolved, progress)
        write_job(attempt.folder, job)
        speaker = _speaker(job, resolved, progress)
        return _work(run, attempt, Setting(job, SAMPLE, rules, speaker), progress)
    finally:
        if not attempt.events_path.exists() or not attempt.entries():
            shutil.rmtree(run.folder, ignore_errors=True)


def _located(run: Run, job: Job, resolved: Resolved, progress: Progress) -> Job:
    if job.root:
        return job
    owner = Owner(run.name, job.instance, SAMPLE, os.getpid(), boot_id())
    return SandboxMaker(job, resolved.settings.sandbox, owner, progress.say).locate()


def go_on(run: Run, attempt: Attempt, job: Job, resolved: Resolved, progress: Progress) -> Outcome:
    """Continue an interrupted attempt; raises UsageError when it is over."""
    result = attempt.result()
    if result is not None and result.exit_reason not in UNFINISHED:
        raise UsageError(
            f"run {run.name} is over ({result.exit_reason}); look at it with "
            f"`cwm-agent view {run.name}`, or start a new run"
        )
    rules = Rules.of(resolved)
    speaker = _speaker(job, resolved, progress)
    write_job(attempt.folder, job)
    return _work(run, attempt, Setting(job, SAMPLE, rules, speaker), progress)


def _speaker(job: Job, resolved: Resolved, progress: Progress) -> Speaker:
    return open_policy(job.policy, resolved.settings, show=progress.show, say=progress.say)


def _work(run: Run, attempt: Attempt, setting: Setting, progress: Progress) -> Outcome:
    with ExitStack() as stack:
        stack.callback(setting.speaker.policy.close)
        journal = stack.enter_context(attempt.journal())
        stack.callback(progress.close)
        try:
            result = _solve_and_judge(run, attempt, setting, journal, progress)
        except BaseException:
            if attempt.entries():
                progress.say(resume_hint(run), "yellow")
            raise
        attempt.finish(result)
        run.write_predictions()
    return Outcome(run, result)


def _solve_and_judge(
    run: Run, attempt: Attempt, setting: Setting, journal: Journal, progress: Progress
) -> AttemptResult:
    job = setting.job
    with ExitStack() as stack:
        repository = _copy_repository(job, attempt, stack, progress)
        owner = Owner(run.name, job.instance, SAMPLE, os.getpid(), boot_id())
        settings = setting.rules.resolved.settings
        maker = SandboxMaker(job, settings.sandbox, owner, progress.say)
        retries = Retries(settings.sandbox.retries, progress.say)
        _announce(run, setting, progress)
        trajectory = finished(journal.events, setting.rules.switches)
        if trajectory is None:
            trajectory = play_on(
                lambda log: _attempt(setting, maker, repository, log, progress), journal, retries
            )
        judgement = Judgement()
        if trajectory.reason not in UNFINISHED:
            patch, verifier = trajectory.patch, Verifier(maker.make)
            judgement = insist(
                lambda: judge(
                    job, repository, patch, verifier, progress.say, attempt.keep_test_output
                ),
                retries,
            )
    return result_of(setting, trajectory, judgement, attempt.entries())


def _copy_repository(
    job: Job, attempt: Attempt, stack: ExitStack, progress: Progress
) -> Path | None:
    source = job.source()
    if source is None:
        return None
    copy = attempt.folder / COPY
    stack.callback(shutil.rmtree, copy, ignore_errors=True)
    for notice in source.copy_to(copy):
        progress.say(notice, "yellow")
    return copy


def _announce(run: Run, setting: Setting, progress: Progress) -> None:
    job = setting.job
    where = job.checkout.root if job.checkout else f"{job.root} in {job.image}"
    progress.say(f"{job.instance}: {job.issue.strip().partition(chr(10))[0]}", "bold")
    progress.say(f"  repository {where}, sandbox {job.sandbox}, run {run.folder}", "dim")
    progress.say(f"  {setting.speaker.note}", "dim")


def _attempt(
    setting: Setting,
    maker: SandboxMaker,
    repository: Path | None,
    journal: EventLog,
    progress: Progress,
) -> Trajectory:
    environment = issue_environment(setting, repository, maker.make)
    human = setting.job.policy.kind == "human"
    with Interrupt(progress.interrupted, cancel_replies=human) as interrupt:
        return play(setting, environment, journal, interrupt, progress.watch)


def apply_to_checkout(outcome: Outcome, job: Job) -> Outcome:
    """Apply a patch that was submitted, and not refuted by tests, to the user's checkout.

    Raises UsageError, having changed nothing, when it must not or cannot be applied.
    """
    source, result = job.source(), outcome.result
    if source is None:
        raise UsageError("not applied: the repository is in the image; there is no checkout")
    if result.resolved is False:
        raise UsageError("not applied: the tests say that the patch does not solve the issue")
    if result.exit_reason in UNFINISHED or not result.patch.strip():
        raise UsageError("not applied: the attempt gave no patch")
    return replace(outcome, applied=tuple(apply_patch(source, result.patch)))


def resume_hint(run: Run) -> str:
    """How to go on with an unfinished run."""
    return f"go on with: cwm-agent solve --resume {shlex.quote(str(run.folder))}"
