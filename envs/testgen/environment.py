"""The environment in which a model writes a test for an issue.

It is the issue environment with another goal: the same sandbox, tools and
limits, the repository's future hidden as there (which the published one does
only when it judges), but what is submitted is one Python file. An episode
that hands in nothing has written no test, whatever it left in the working tree.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from envs.environment import Meter
from envs.issue.budget import Limits
from envs.issue.goal import Goal
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import Switches
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from envs.testgen.source import refusal
from tools.texts import Texts

TEST = Goal("testgen.task", refusal)


def writing_environment(
    task: IssueTask,
    sandbox: Sandbox,
    tools: Sequence[str],
    texts: Texts,
    switches: Switches,
    limits: Limits,
    meter: Meter,
    *,
    thinking: bool,
) -> IssueEnvironment:
    """One episode; its `patch` is the source of the test, "" where none was handed in."""
    return IssueEnvironment(
        task,
        sandbox,
        tools,
        texts,
        switches,
        limits,
        meter,
        time.monotonic,
        thinking=thinking,
        goal=TEST,
    )
