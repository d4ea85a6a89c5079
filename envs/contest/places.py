"""Where solutions run: sandboxes of a kind, and the processors that they are pinned to."""

from __future__ import annotations

import os
from collections.abc import Sequence

from envs.contest.grader import MakeSandbox
from envs.progress import Say
from envs.registry import choose_kind, sandbox_kind
from envs.sandbox.kind import Contents, SandboxSpec
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe

ROOT = "/grading"


def grading_sandboxes(kind: str, say: Say, packages: Sequence[str] = ()) -> MakeSandbox:
    """Makes sandboxes of the kind (or `auto`) with a Python that has these packages.

    Raises SandboxError where they cannot be had.
    """
    contents = Contents(Recipe(pip=tuple(packages)))
    prepared = sandbox_kind(choose_kind(kind)).prepare(contents, say)

    def make(limits: SandboxLimits) -> Sandbox:
        owner = Owner("score", "grading", 0, os.getpid(), boot_id())
        return prepared.make(SandboxSpec(owner, limits, ROOT))

    return make


def processors(workers: int) -> list[int]:
    """One for each grader, at most as many as this process may use."""
    return sorted(os.sched_getaffinity(0))[:workers]
