"""Sandboxes for a bench: of any kind, with a `python` inside."""

from __future__ import annotations

import os
from collections.abc import Callable

from envs.progress import Say
from envs.registry import choose_kind, sandbox_kind
from envs.sandbox.kind import Contents, SandboxSpec
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox


def sandbox_maker(wanted: str, progress: Say) -> tuple[Callable[[], Sandbox], str]:
    """A function that makes sandboxes, and their kind; raises SandboxError."""
    kind = choose_kind(wanted)
    prepared = sandbox_kind(kind).prepare(Contents(), progress)
    spec = SandboxSpec(Owner("bench", "nano", 0, os.getpid(), boot_id()))
    return lambda: prepared.make(spec), kind
