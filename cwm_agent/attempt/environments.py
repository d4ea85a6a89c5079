"""The environment that a job's conversation happens in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cwm_agent.attempt.attempt import Setting, issue_environment
from cwm_agent.tasks.harbor import unchanged_task
from envs.environment import Environment
from envs.harbor.environment import HarborEnvironment
from envs.sandbox.sandbox import Sandbox


def job_environment(
    setting: Setting, repository: Path | None, make_sandbox: Callable[[], Sandbox]
) -> Environment:
    """A Harbor task's own, else that of an issue; raises SandboxError and HarborError."""
    job = setting.job
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
        setting.speaker.policy.meter,
        setup=job.setup,
        thinking=setting.speaker.thinking,
        native=setting.speaker.native_tools,
    )
