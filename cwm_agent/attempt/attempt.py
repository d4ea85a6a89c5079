"""One attempt at a job: played to its end, and wrapped up as a result."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from cwm_agent import __version__
from cwm_agent.attempt.interrupt import Stop
from cwm_agent.attempt.judge import Judgement
from cwm_agent.attempt.rollout import EventLog, Trajectory, Watch, rollout
from cwm_agent.config.resolve import Resolved
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.policies.policy import Question
from cwm_agent.prompts.packs import load
from cwm_agent.tasks.job import Job
from envs.environment import Environment
from envs.issue.budget import Limits
from envs.issue.modes import Switches, switches
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Sandbox
from results.journal import Entry
from results.records import AttemptResult, AttemptStarted, Branched, RunInfo
from tools.texts import Texts

PACKAGES = ("torch", "docker", "rich")
"""Packages whose version is kept with a run."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of every conversation of a run."""

    resolved: Resolved
    texts: Texts
    switches: Switches

    @classmethod
    def of(cls, resolved: Resolved) -> Rules:
        """Load the texts that the settings name; raises UsageError and ModeError."""
        settings = resolved.settings
        return cls(resolved, load(settings.prompt_pack), switches(settings.mode, settings.switches))

    @property
    def prompt_pack(self) -> str:
        """Name and hash of the texts, for records."""
        return f"{self.texts.name}@{self.texts.hash}"

    def run_info(self) -> RunInfo:
        """What `run.json` says of a run that begins now."""
        versions = {"cwm-agent": __version__, "python": sys.version.split()[0]}
        for package in PACKAGES:
            versions[package] = metadata.version(package)
        return RunInfo(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            command=tuple(sys.argv),
            settings=self.resolved.records(),
            versions=versions,
            hashes={"prompt_pack": self.texts.hash},
            seeds={"sampling": self.resolved.settings.sampling.seed},
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that stays the same during an attempt."""

    job: Job
    sample: int
    rules: Rules
    opened: OpenPolicy

    @property
    def limits(self) -> Limits:
        """The settings' limits, but no longer a conversation than the policy can hold."""
        wanted = Limits(**self.rules.resolved.settings.limits.model_dump())
        most = self.opened.context_tokens or wanted.context_tokens
        return replace(wanted, context_tokens=min(wanted.context_tokens, most))


MakeEnvironment = Callable[[Setting, Path | None, Callable[[], Sandbox]], Environment]
"""An environment for a setting, the working copy of its repository, and a maker of sandboxes."""


def play(
    setting: Setting, environment: Environment, journal: EventLog, stop: Stop, watch: Watch
) -> Trajectory:
    """Play the attempt, or go on with the one in the journal; closes the environment."""
    job, settings = setting.job, setting.rules.resolved.settings
    policy = setting.opened.policy
    started = AttemptStarted(
        instance=job.instance,
        sample=setting.sample,
        policy=policy.name,
        sandbox=job.sandbox,
        prompt_pack=setting.rules.prompt_pack,
        mode=settings.mode,
        pid=os.getpid(),
        boot_id=boot_id(),
        capabilities=setting.opened.capabilities,
    )
    with closing(environment):
        return rollout(
            policy,
            environment,
            journal,
            started=started,
            seed=settings.sampling.seed + setting.sample,
            interrupt=stop,
            watch=watch,
            temperature=settings.sampling.of_sample(setting.sample),
            question=_question(setting),
        )


def _question(setting: Setting) -> Question | None:
    """Several samples of an issue grade themselves; answers to a problem are just counted."""
    if setting.job.problem is not None or setting.rules.resolved.settings.samples == 1:
        return None
    return grade_question(setting.rules.texts)


def grade_question(texts: Texts) -> Question:
    """What a sample among several is asked about itself when it is finished."""
    scale = texts.render("grade.scale").split()
    return Question(texts.render("grade.question"), texts.render("grade.prefix"), tuple(scale))


def result_of(
    setting: Setting, trajectory: Trajectory, judgement: Judgement, entries: Sequence[Entry]
) -> AttemptResult:
    """The record of an attempt; `entries` are its whole journal."""
    return AttemptResult(
        instance=setting.job.instance,
        sample=setting.sample,
        exit_reason=trajectory.reason,
        patch=trajectory.patch,
        turns=trajectory.turns,
        seconds=round(active_seconds(entries), 3),
        prompt_tokens=trajectory.prompt_tokens,
        completion_tokens=trajectory.completion_tokens,
        policy=setting.opened.policy.name,
        sandbox=setting.job.sandbox,
        mode=setting.rules.resolved.settings.mode,
        prompt_pack=setting.rules.prompt_pack,
        resolved=judgement.resolved,
        verdict=judgement.verdict,
        detail=trajectory.detail,
        cause=trajectory.cause,
    )


def active_seconds(entries: Sequence[Entry]) -> float:
    """Wall time of an attempt, without the time in which no process worked on it."""
    return sum(end - begin for begin, end in active_spans(entries))


def active_spans(entries: Iterable[Entry]) -> list[tuple[float, float]]:
    """When processes worked on an attempt, each from beginning to end in seconds since 1970.

    What was taken over from another sample was worked on there.
    """
    spans: list[tuple[float, float]] = []
    for entry in entries:
        if isinstance(entry.event, Branched):
            spans.clear()
            continue
        now = datetime.fromisoformat(entry.time).timestamp()
        if not spans or isinstance(entry.event, AttemptStarted):
            spans.append((now, now))
        else:
            begin, end = spans[-1]
            spans[-1] = (begin, max(end, now))  # a journal of another hand may go back
    return spans
