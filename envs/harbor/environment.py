"""Carrying out a Harbor task: the tools in its container, and its tests there at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from envs.environment import Meter, ReplyLimits, Step
from envs.errors import SandboxError
from envs.harbor.opening import make_ready
from envs.harbor.task import HarborTask
from envs.harbor.verifier import run_tests
from envs.issue.budget import Limits
from envs.issue.goal import STATE
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import Switches
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from results.found import Enforced
from results.records import Event, Message, Observed, Replied, Reply, Verdict
from tools.texts import Texts


class HarborEnvironment:
    """One task in one container, up to the verdict of its tests (`envs.environment.Judging`).

    What an agent does may lie anywhere in the container, so no patch stands for
    it. An attempt that goes on in a new container runs its recorded calls there
    again. `root` is where the shell starts. The conversation takes at most the
    task's own time.
    """

    def __init__(
        self,
        task: HarborTask,
        root: str,
        sandbox: Sandbox,
        tools: Sequence[str],
        texts: Texts,
        switches: Switches,
        limits: Limits,
        meter: Meter,
        *,
        setup: tuple[str, ...] = (),
        thinking: bool = True,
        native: bool = False,
    ) -> None:
        self._task = task
        self._root = root
        self._sandbox = sandbox
        self._texts = texts
        seconds = [limits.total_seconds, task.config.agent.timeout_sec]
        least = min((number for number in seconds if number is not None), default=None)
        self._issue = IssueEnvironment(
            IssueTask(task.id, task.instruction, root=root, setup=setup),
            sandbox,
            tools,
            texts,
            switches,
            replace(limits, total_seconds=least),
            meter,
            time.monotonic,
            thinking=thinking,
            goal=STATE,
            native=native,
        )

    def start(self) -> tuple[Message, ...]:
        """Open the container and return the opening messages; raises SandboxError."""
        messages = self._issue.start()
        make_ready(self._task, self._sandbox, self._root)
        return messages

    def limits(self) -> ReplyLimits:
        """What the next reply may use."""
        return self._issue.limits()

    def step(self, reply: Reply) -> Step:
        """As for an issue; a submission says that the container is ready."""
        return self._issue.step(reply)

    def restore(self, events: tuple[Event, ...]) -> tuple[Message, ...]:
        """Run the recorded calls again in a fresh container; raises SandboxError."""
        self.start()
        if not any(isinstance(event, Observed) for event in events):
            return ()
        turns = 0
        for event in events:
            if isinstance(event, Replied):
                turns = event.turn
                step = self._issue.step(event.reply)
                if step.exit == "sandbox_error":
                    raise SandboxError(step.detail, cause=step.cause or "setup")
        where = self._sandbox.cwd
        return (Message("user", self._texts.render("restored.state", cwd=where, turns=turns)),)

    def enforced(self) -> Enforced:
        """What the open container enforces; raises SandboxError."""
        return self._issue.enforced()

    def patch(self) -> str:
        """No patch stands for what was done."""
        return ""

    def verdict(self) -> Verdict:
        """What the task's tests say of the container now; raises SandboxError."""
        return run_tests(self._task, self._sandbox, self._root)

    def close(self) -> None:
        """Give the container back."""
        self._issue.close()
