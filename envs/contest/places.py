"""Where solutions run: sandboxes of a kind, and the processors that they are pinned to."""

from __future__ import annotations

import os

from envs.contest.grader import MakeSandbox
from envs.progress import Say
from envs.registry import choose_kind, sandbox_kind
from envs.sandbox.kind import Contents, SandboxSpec
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

ROOT = "/grading"


def grading_sandboxes(kind: str, say: Say) -> MakeSandbox:
    """Makes sandboxes of the kind (or `auto`) with a Python alone; raises SandboxError."""
    prepared = sandbox_kind(choose_kind(kind)).prepare(Contents(), say)

    def make(limits: SandboxLimits) -> Sandbox:
        owner = Owner("score", "grading", 0, os.getpid(), boot_id())
        return prepared.make(SandboxSpec(owner, limits, ROOT))

    return make


def processors(workers: int) -> list[int]:
    """One for each grader, at most as many as this process may use."""
    return sorted(os.sched_getaffinity(0))[:workers]
