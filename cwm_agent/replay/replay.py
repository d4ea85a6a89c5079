"""The command `replay`: an attempt of a run, done again in a fresh sandbox."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cwm_agent.attempt.sandboxes import SandboxMaker
from cwm_agent.config.resolve import recorded
from cwm_agent.errors import UsageError
from cwm_agent.prompts.packs import load
from cwm_agent.replay.environment import EnvironmentFactory
from cwm_agent.replay.patterns import RULES, token_rule
from cwm_agent.replay.verdict import Findings
from cwm_agent.replay.walk import ReplayedTurn, turns_of, walk
from cwm_agent.tasks.harbor import needs_patch
from cwm_agent.tasks.job import Job, read_job
from envs.cleanup import owned_folder
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner
from results.records import AttemptStarted, Event, Replied
from results.store import Attempt, Run
from tools.parsing import THINK_END

Say = Callable[[str], None]
Watch = Callable[[ReplayedTurn], None]


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What to do again: all turns, or those up to `until`; with `verify` until one differs."""

    until: int | None = None
    verify: bool = False


@dataclass(slots=True)
class Replayed:
    """What a replay did. `walked` holds its turns, the opening messages first."""

    run: str
    instance: str
    sample: int
    sandbox: str
    turns: int
    seconds: float = 0.0
    findings: Findings = field(default_factory=Findings)
    walked: list[ReplayedTurn] = field(default_factory=list)


def replay(run: Run, attempt: Attempt, request: ReplayRequest, say: Say, watch: Watch) -> Replayed:
    """Do an attempt's actions again; `watch` sees each turn when it is done.

    The run folder is not written to. Raises UsageError for a turn that the
    attempt does not have and SandboxError when a sandbox cannot be had.
    """
    events = tuple(entry.event for entry in attempt.entries())
    job = read_job(attempt.folder)
    needs_patch(job, "replay")
    turns = _checked(events, request.until)
    replayed = Replayed(run.name, job.instance, attempt.sample, job.sandbox, turns)
    began = time.monotonic()
    with ExitStack() as stack:
        place = stack.enter_context(_place(run, attempt, job, events, say))
        rules = (*RULES, token_rule(place.texts.templates))
        turns_again = stack.enter_context(closing(walk(events, place.make, until=request.until)))
        for turn in turns_again:
            replayed.walked.append(turn)
            alike = not request.verify or replayed.findings.judge(turn, rules)
            watch(turn)
            if not alike:
                break
    replayed.seconds = round(time.monotonic() - began, 3)
    return replayed


def _checked(events: Sequence[Event], until: int | None) -> int:
    """How many turns there are; raises UsageError when there are none, or fewer than asked for."""
    turns = turns_of(events)
    if not turns:
        raise UsageError("the attempt has no completed turn yet: there is nothing to replay")
    if until is not None and not 1 <= until <= turns:
        raise UsageError(f"the attempt has no turn {until}; give --until a turn from 1 to {turns}")
    return turns


@contextmanager
def _place(
    run: Run, attempt: Attempt, job: Job, events: Sequence[Event], say: Say
) -> Generator[EnvironmentFactory]:
    """The place, with a copy of the repository that lasts as long."""
    resolved = recorded(run.info().settings)
    texts = load(resolved.settings.prompt_pack)
    _compare_packs(events, f"{texts.name}@{texts.hash}", say)
    owner = Owner(run.name, job.instance, attempt.sample, os.getpid(), boot_id())
    with ExitStack() as stack:
        repository: Path | None = None
        if (source := job.source()) is not None:
            repository = stack.enter_context(owned_folder(owner)) / "repository"
            source.copy_to(repository)
        yield EnvironmentFactory(
            job,
            resolved,
            texts,
            SandboxMaker(job, resolved.settings.sandbox, owner, say),
            repository,
            any(isinstance(event, Replied) and THINK_END in event.reply.text for event in events),
            say,
        )


def _compare_packs(events: Sequence[Event], now: str, say: Say) -> None:
    packs = {event.prompt_pack for event in events if isinstance(event, AttemptStarted)}
    for pack in sorted(packs - {now}):
        say(
            f"the prompts have changed since ({pack} then, {now} now), "
            "so the wording of results may differ"
        )
