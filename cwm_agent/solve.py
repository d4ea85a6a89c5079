"""One issue, one repository, one attempt: from a job to a judged patch in a run folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cwm_agent import __version__
from cwm_agent.checkout import apply_patch
from cwm_agent.config import Resolved
from cwm_agent.errors import UsageError
from cwm_agent.interrupt import Interrupt
from cwm_agent.job import COPY, Job, write_job
from cwm_agent.judge import Judgement, judge
from cwm_agent.persevere import Retries, insist, play_on
from cwm_agent.policies.choose import Speaker, open_policy
from cwm_agent.progress import Progress
from cwm_agent.prompts.packs import load
from cwm_agent.rollout import EventLog, Trajectory, finished, rollout
from cwm_agent.sandboxes import SandboxMaker
from envs.budget import Limits
from envs.issue import ALL_TOOLS, IssueEnvironment
from envs.modes import Switches, switches
from envs.owner import boot_id
from envs.sandbox import Owner
from results.journal import Entry, Journal
from results.records import AttemptResult, AttemptStarted, RunInfo
from results.store import UNFINISHED, Attempt, Run, Store
from tools.texts import Texts

SAMPLE = 0
PACKAGES = ("torch", "docker", "rich")
"""Packages whose version is kept with a run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `solve` hands to its caller. `applied` lists the files changed in the checkout."""

    run: Run
    result: AttemptResult
    applied: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that stays the same during an attempt."""

    job: Job
    resolved: Resolved
    texts: Texts
    switches: Switches
    speaker: Speaker

    @property
    def limits(self) -> Limits:
        """The settings' limits, but no longer a conversation than the policy can hold."""
        wanted = Limits(**self.resolved.settings.limits.model_dump())
        most = self.speaker.context_tokens or wanted.context_tokens
        return replace(wanted, context_tokens=min(wanted.context_tokens, most))

    @property
    def prompt_pack(self) -> str:
        """Name and hash of the texts, for records."""
        return f"{self.texts.name}@{self.texts.hash}"


def start(
    store: Store, name: str | None, job: Job, resolved: Resolved, progress: Progress
) -> Outcome:
    """Solve a new job in a new run folder; the folder goes again if the attempt cannot begin."""
    texts, chosen = _rules(resolved)
    run = store.create(_run_info(resolved, texts), name)
    attempt = run.attempt(job.instance, SAMPLE)
    try:
        write_job(attempt.folder, job)
        speaker = _speaker(job, resolved, progress)
        return _work(run, attempt, Setting(job, resolved, texts, chosen, speaker), progress)
    finally:
        if not attempt.events_path.exists() or not attempt.entries():
            shutil.rmtree(run.folder, ignore_errors=True)


def go_on(run: Run, attempt: Attempt, job: Job, resolved: Resolved, progress: Progress) -> Outcome:
    """Continue an interrupted attempt; raises UsageError when it is over."""
    result = attempt.result()
    if result is not None and result.exit_reason not in UNFINISHED:
        raise UsageError(
            f"run {run.name} is over ({result.exit_reason}); look at it with "
            f"`cwm-agent view {run.name}`, or start a new run"
        )
    texts, chosen = _rules(resolved)
    speaker = _speaker(job, resolved, progress)
    write_job(attempt.folder, job)
    return _work(run, attempt, Setting(job, resolved, texts, chosen, speaker), progress)


def _speaker(job: Job, resolved: Resolved, progress: Progress) -> Speaker:
    return open_policy(job.policy, resolved.settings, show=progress.show, say=progress.say)


def _rules(resolved: Resolved) -> tuple[Texts, Switches]:
    settings = resolved.settings
    return load(settings.prompt_pack), switches(settings.mode, settings.switches)


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
        run.write_predictions(result.policy)
    return Outcome(run, result)


def _solve_and_judge(
    run: Run, attempt: Attempt, setting: Setting, journal: Journal, progress: Progress
) -> AttemptResult:
    job = setting.job
    with ExitStack() as stack:
        repository = _copy_repository(job, attempt, stack)
        owner = Owner(run.name, job.instance, SAMPLE, os.getpid(), boot_id())
        maker = SandboxMaker(job, setting.resolved.settings.sandbox, owner, progress.say)
        retries = Retries(setting.resolved.settings.sandbox.retries, progress.say)
        _announce(run, setting, progress)
        trajectory = finished(journal.events, setting.switches)
        if trajectory is None:
            trajectory = play_on(
                lambda log: _attempt(setting, maker, repository, log, progress), journal, retries
            )
        judgement = Judgement()
        if trajectory.reason not in UNFINISHED:
            patch = trajectory.patch
            judgement = insist(
                lambda: judge(job, repository, patch, maker.make, progress.say), retries
            )
    return _result(setting, trajectory, judgement, attempt.entries())


def _copy_repository(job: Job, attempt: Attempt, stack: ExitStack) -> Path | None:
    source = job.source()
    if source is None:
        return None
    copy = attempt.folder / COPY
    stack.callback(shutil.rmtree, copy, ignore_errors=True)
    source.copy_to(copy)
    return copy


def _announce(run: Run, setting: Setting, progress: Progress) -> None:
    job = setting.job
    where = job.checkout.root if job.checkout else f"{job.root} in {job.image}"
    progress.say(f"{job.instance}: {job.issue.strip().splitlines()[0]}", "bold")
    progress.say(f"  repository {where}, sandbox {job.sandbox}, run {run.folder}", "dim")
    progress.say(f"  {setting.speaker.note}", "dim")


def _attempt(
    setting: Setting,
    maker: SandboxMaker,
    repository: Path | None,
    journal: EventLog,
    progress: Progress,
) -> Trajectory:
    job, settings = setting.job, setting.resolved.settings
    policy = setting.speaker.policy
    environment = IssueEnvironment(
        job.task(repository),
        maker.make(),
        ALL_TOOLS,
        setting.texts,
        setting.switches,
        setting.limits,
        policy.meter,
        time.monotonic,
        thinking=setting.speaker.thinking,
    )
    started = AttemptStarted(
        instance=job.instance,
        sample=SAMPLE,
        policy=policy.name,
        sandbox=job.sandbox,
        prompt_pack=setting.prompt_pack,
        mode=settings.mode,
        pid=os.getpid(),
        boot_id=boot_id(),
    )
    interrupt = Interrupt(progress.interrupted, cancel_replies=job.policy.kind == "human")
    with closing(environment), interrupt:
        return rollout(
            policy,
            environment,
            journal,
            started=started,
            seed=settings.sampling.seed + SAMPLE,
            interrupt=interrupt,
            watch=progress.watch,
        )


def _result(
    setting: Setting, trajectory: Trajectory, judgement: Judgement, entries: Sequence[Entry]
) -> AttemptResult:
    return AttemptResult(
        instance=setting.job.instance,
        sample=SAMPLE,
        exit_reason=trajectory.reason,
        patch=trajectory.patch,
        turns=trajectory.turns,
        seconds=round(active_seconds(entries), 3),
        prompt_tokens=trajectory.prompt_tokens,
        completion_tokens=trajectory.completion_tokens,
        policy=setting.speaker.policy.name,
        sandbox=setting.job.sandbox,
        mode=setting.resolved.settings.mode,
        prompt_pack=setting.prompt_pack,
        resolved=judgement.resolved,
        verdict=judgement.verdict,
        detail=trajectory.detail,
    )


def active_seconds(entries: Sequence[Entry]) -> float:
    """Wall time of an attempt, without the time in which no process worked on it."""
    total = 0.0
    previous: datetime | None = None
    for entry in entries:
        now = datetime.fromisoformat(entry.time)
        if previous is not None and not isinstance(entry.event, AttemptStarted):
            total += (now - previous).total_seconds()
        previous = now
    return total


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


def _run_info(resolved: Resolved, texts: Texts) -> RunInfo:
    versions = {"cwm-agent": __version__, "python": sys.version.split()[0]}
    for package in PACKAGES:
        versions[package] = metadata.version(package)
    return RunInfo(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=tuple(sys.argv),
        settings=resolved.records(),
        versions=versions,
        hashes={"prompt_pack": texts.hash},
        seeds={"sampling": resolved.settings.sampling.seed},
    )
