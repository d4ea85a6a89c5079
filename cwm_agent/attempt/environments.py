"""The environment that a job's conversation happens in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from cwm_agent.attempt.attempt import Setting
from cwm_agent.tasks.harbor import unchanged_task
from cwm_agent.tasks.job import ProblemRecord
from envs.contest.environment import contest_environment
from envs.environment import Environment
from envs.harbor.environment import HarborEnvironment
from envs.issue.issue import IssueEnvironment
from envs.mathematics.environment import mathematics_environment
from envs.sandbox.sandbox import Sandbox


def job_environment(
    setting: Setting, repository: Path | None, make_sandbox: Callable[[], Sandbox]
) -> Environment:
    """A problem's or a Harbor task's own, else that of an issue.

    Raises SandboxError and HarborError when its contents cannot be had.
    """
    job = setting.job
    if job.problem is not None:
        return _problem_environment(setting, job.problem)
    if job.harbor is None:
        return issue_environment(setting, repository, make_sandbox)
    return HarborEnvironment(
        unchanged_task(job.harbor),
        job.root,
        make_sandbox(),
        setting.rules.resolved.settings.tools,
        setting.rules.texts,
        setting.rules.switches,
        setting.limits,
        setting.opened.policy.meter,
        setup=job.setup,
        thinking=setting.opened.thinking,
        native=setting.opened.native_tools,
    )


def issue_environment(
    setting: Setting, repository: Path | None, make_sandbox: Callable[[], Sandbox]
) -> IssueEnvironment:
    """The job's issue in a new sandbox; raises SandboxError when its contents cannot be had."""
    return IssueEnvironment(
        setting.job.task(repository),
        make_sandbox(),
        setting.rules.resolved.settings.tools,
        setting.rules.texts,
        setting.rules.switches,
        setting.limits,
        setting.opened.policy.meter,
        time.monotonic,
        thinking=setting.opened.thinking,
        native=setting.opened.native_tools,
    )


def _problem_environment(setting: Setting, problem: ProblemRecord) -> Environment:
    rules, policy = setting.rules, setting.opened.policy
    around = (rules.texts, rules.switches, setting.limits, policy.meter)
    thinking = setting.opened.thinking
    if problem.kind == "contest":
        statement = setting.job.issue
        return contest_environment(statement, problem.starter, *around, thinking=thinking)
    return mathematics_environment(setting.job.issue, *around, thinking=thinking)
