"""Folders of Harbor tasks as a suite, and one of them as a job."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from cwm_agent.policies.choice import PolicyChoice
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.job import HarborRecord, Job
from envs.errors import HarborError
from envs.harbor.task import HarborTask, find_tasks, read_task
from envs.progress import Say


def is_suite(place: str) -> bool:
    """Whether a word names a folder that is a task of Harbor, or holds some."""
    try:
        return bool(find_tasks(Path(place).expanduser()))
    except (OSError, ValueError, RuntimeError):  # the text of an issue is no path
        return False


def only_task(place: str) -> HarborTask:
    """The one task of a folder; raises UsageError where there are several."""
    folders = find_tasks(Path(place).expanduser())
    if len(folders) > 1:
        raise UsageError(
            f"{place} holds {len(folders)} tasks: name one of them, or do all by `cwm-agent run "
            f"{place}`"
        )
    return read_task(folders[0])


@dataclass(frozen=True, slots=True)
class TaskSuite:
    """The chosen tasks of a folder, by name; `left_out` says which are refused, and why."""

    tasks: tuple[HarborTask, ...]
    left_out: tuple[str, ...] = ()
    size: int = 0


def read_suite(place: str, selection: Selection | None = None) -> TaskSuite:
    """The tasks of a folder; one that cannot be run is left out, unless it is named or alone.

    Raises HarborError for such a one, and UsageError.
    """
    wanted = selection or Selection()
    folders = find_tasks(Path(place).expanduser())
    tasks: list[HarborTask] = []
    left_out: dict[str, HarborError] = {}
    for folder in folders:
        try:
            tasks.append(read_task(folder))
        except HarborError as error:
            left_out[folder.name] = error
    for name, refusal in left_out.items():
        if len(folders) == 1 or name in wanted.ids or not tasks:
            raise refusal
    names = [task.id for task in tasks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"{place}: two tasks are called {min(twice)}; rename one of the folders")
    said = tuple(f"left out {name}: {refusal}" for name, refusal in left_out.items())
    return TaskSuite(wanted.of(tasks), said, len(folders))


def needs_patch(job: Job, what: str) -> None:
    """Raise UsageError for a job of which no patch is kept, where `what` needs one."""
    if job.harbor is not None:
        raise UsageError(
            f"{what} needs a patch or recorded states, and an attempt at a task folder has none: "
            "what counts is its container, which is gone"
        )


def unchanged_task(record: HarborRecord) -> HarborTask:
    """The task of a record; raises HarborError where its folder was changed since."""
    task = read_task(Path(record.folder))
    if task.key != record.key:
        raise HarborError(
            f"{record.folder} was changed since the attempt began, so its end would be judged by "
            "other rules; put it back, or start a new run"
        )
    return task


def plan_task(
    task: HarborTask, policy: PolicyChoice, sandbox: str, *, network: bool, say: Say
) -> Job:
    """The task as a job; `network` is whether the settings grant one. Raises HarborError."""
    config = task.config
    for table in (config.environment.env, config.verifier.env):
        task.variables(table, os.environ)
    if config.environment.network() == "public" and not network:
        say(
            f"{task.id}: the task may use the network, but the settings grant none; where it "
            "needs it, add --set sandbox.network=true"
        )
    return Job(
        instance=task.id,
        issue=task.instruction,
        policy=policy,
        sandbox=sandbox,
        image=config.environment.docker_image,
        root="",
        harbor=HarborRecord(str(task.folder), task.key),
    )
