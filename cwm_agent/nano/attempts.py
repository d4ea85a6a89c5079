"""Letting a policy solve generated tasks in real sandboxes, and choosing among its samples."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.rollout import Trajectory, rollout
from cwm_agent.generated.repository import instance_name, issue_task, repository_once
from cwm_agent.generated.task import NanoTask
from cwm_agent.nano.expert import check_command
from cwm_agent.policies.policy import Policy
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import improved
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Sandbox
from results.journal import Journal
from results.records import AttemptStarted, Replied, ToolRan
from tools.registry import PUBLISHED_TOOLS
from tools.texts import Texts

MakeSandbox = Callable[[], Sandbox]
CHECK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt. `reproduced` says whether the calls of the issue give what it asks for."""

    trajectory: Trajectory
    reproduced: bool
    seconds: float

    @property
    def patch(self) -> str:
        """What was handed in, or the changes at the end."""
        return self.trajectory.patch

    @property
    def tools(self) -> list[ToolRan]:
        """What the tools said, malformed calls included."""
        return [event for event in self.trajectory.events if isinstance(event, ToolRan)]

    @property
    def reply_tokens(self) -> int:
        """Tokens that the policy wrote."""
        events = self.trajectory.events
        return sum(len(event.reply.ids) for event in events if isinstance(event, Replied))

    @property
    def reply_seconds(self) -> float:
        """Seconds that the policy took."""
        events = self.trajectory.events
        return sum(event.reply.seconds for event in events if isinstance(event, Replied))


@dataclass(frozen=True, slots=True)
class TaskSetting:
    """Where tasks are solved: a policy, its texts and limits, sandboxes, a folder for files."""

    policy: Policy
    texts: Texts
    limits: Limits
    make_sandbox: MakeSandbox
    kind: str
    folder: Path

    def repository(self, task: NanoTask) -> Path:
        """The task's repository on disk, written on first use."""
        return repository_once(task, self.folder / "repositories" / instance_name(task))

    def attempt(self, task: NanoTask, *, sample: int, seed: int) -> Attempted:
        """Solve a task once; raises the errors of sandbox and policy."""
        began = time.monotonic()
        sandbox = self.make_sandbox()
        environment = IssueEnvironment(
            issue_task(task, self.repository(task)),
            sandbox,
            PUBLISHED_TOOLS,
            self.texts,
            improved(),
            self.limits,
            self.policy.meter,
            time.monotonic,
        )
        started = AttemptStarted(
            instance=instance_name(task),
            sample=sample,
            policy=self.policy.name,
            sandbox=self.kind,
            prompt_pack=self.texts.name,
            mode="improved",
            pid=os.getpid(),
            boot_id=boot_id(),
        )
        path = self.folder / "journals" / instance_name(task) / str(sample) / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(environment), closing(Journal(path)) as journal:
            trajectory = rollout(
                self.policy,
                environment,
                journal,
                started=started,
                seed=seed,
                interrupt=Interrupt(),
            )
            reproduced = _reproduced(task, sandbox)
        return Attempted(trajectory, reproduced, time.monotonic() - began)


def choose(attempts: Sequence[Attempted]) -> int:
    """The sample to hand in: one after which the calls of the issue are right, if there is any.

    Among equals the patch that most samples agree on, then the first. Only
    what the issue says is used, nothing of the hidden tests.
    """
    agreement = Counter(attempt.patch for attempt in attempts if attempt.reproduced)
    return max(
        range(len(attempts)),
        key=lambda i: (
            attempts[i].reproduced and bool(attempts[i].patch),
            bool(attempts[i].patch),
            agreement[attempts[i].patch],
            -i,
        ),
    )


def _reproduced(task: NanoTask, sandbox: Sandbox) -> bool:
    result = sandbox.run_fresh(f"cd /testbed && {check_command(task.bugs)}", timeout=CHECK_SECONDS)
    wanted = "".join(f"{bug.shown.right.text}\n" for bug in task.bugs)
    return result.output == wanted
