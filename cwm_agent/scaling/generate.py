"""Tests that the model writes for an issue: several episodes from one prefilled beginning.

All episodes of an issue open with the same messages, so the engine computes
them once (its prefix cache) and each further one only samples.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from cwm_agent.attempt.attempt import Rules, Setting
from cwm_agent.attempt.interrupt import CancelToken
from cwm_agent.attempt.rollout import Trajectory, rollout
from cwm_agent.policies.choose import OpenPolicy
from cwm_agent.scaling.evidence.issue import SampledIssue
from cwm_agent.scaling.evidence.scripts import Script
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from envs.testgen.environment import writing_environment
from envs.testgen.source import refusal
from results.journal import Journal
from results.records import AttemptStarted, Ended, Submitted
from results.store import UNFINISHED

FOLDER = "testgen"
TEST_FILE = "test_issue.py"
SEED_STEP = 100_000
"""Between the seeds of solutions and those of tests."""


@dataclass(frozen=True, slots=True)
class TestWriter:
    """Has a policy write tests; episodes that are over are read from their journals."""

    __test__ = False

    opened: OpenPolicy
    rules: Rules
    stop: CancelToken

    def __call__(
        self, issue: SampledIssue, task: IssueTask, make: Callable[[], Sandbox]
    ) -> list[Script]:
        """The usable tests, each once; raises SandboxError, PolicyError and ModelError."""
        wanted = self.rules.resolved.settings.scaling.tests
        found: dict[str, Script] = {}
        for number in range(wanted):
            source = self._episode(issue, task, make, number)
            if not refusal(source):
                script = as_script(source, number)
                found.setdefault(script.id, script)
        return list(found.values())

    def _episode(
        self, issue: SampledIssue, task: IssueTask, make: Callable[[], Sandbox], number: int
    ) -> str:
        path = issue.folder / FOLDER / str(number) / "events.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(Journal(path)) as journal:
            if journal.events and _is_over(journal.events[-1]):
                return _submitted(journal)
            return self._play(issue, task, make, number, journal).patch

    def _play(
        self,
        issue: SampledIssue,
        task: IssueTask,
        make: Callable[[], Sandbox],
        number: int,
        journal: Journal,
    ) -> Trajectory:
        settings = self.rules.resolved.settings
        setting = Setting(issue.job, number, self.rules, self.opened)
        environment = writing_environment(
            task,
            make(),
            settings.tools,
            self.rules.texts,
            self.rules.switches,
            setting.limits,
            self.opened.policy.meter,
            thinking=self.opened.thinking,
        )
        started = AttemptStarted(
            instance=issue.instance,
            sample=number,
            policy=self.opened.policy.name,
            sandbox=issue.job.sandbox,
            prompt_pack=self.rules.prompt_pack,
            mode=settings.mode,
            pid=os.getpid(),
            boot_id=boot_id(),
        )
        with closing(environment):
            return rollout(
                self.opened.policy,
                environment,
                journal,
                started=started,
                seed=settings.sampling.seed + SEED_STEP + number,
                interrupt=self.stop,
                temperature=settings.sampling.of_sample(number),
            )


def as_script(source: str, number: int) -> Script:
    """A submitted test as a column to be."""
    return Script(
        kind="generated",
        name=f"generated test {number}",
        command=f"python {TEST_FILE}",
        rule="markers",
        files={TEST_FILE: source},
        origin=number,
    )


def _is_over(event: object) -> bool:
    return isinstance(event, Ended) and event.reason not in UNFINISHED


def _submitted(journal: Journal) -> str:
    handed_in = [event.patch for event in journal.events if isinstance(event, Submitted)]
    return handed_in[-1] if handed_in else ""
