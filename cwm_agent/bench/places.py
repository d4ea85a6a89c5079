"""Sandboxes for a bench: of either kind, with a `python` inside."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing

from envs.errors import SandboxError
from envs.progress import Progress
from envs.registry import choose_kind
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe

BUILD_SECONDS = 3600.0


def sandbox_maker(wanted: str, progress: Progress) -> tuple[Callable[[], Sandbox], str]:
    """A function that makes sandboxes, and their kind; raises SandboxError."""
    if wanted not in ("auto", "docker", "bubblewrap"):
        raise SandboxError(f"unknown sandbox '{wanted}'; use auto, docker or bubblewrap")
    kind = choose_kind(wanted)  # type: ignore[arg-type]
    owner = Owner("bench", "nano", 0, os.getpid(), boot_id())
    limits = SandboxLimits()
    if kind == "docker":
        from envs.docker.engine import connect_engine
        from envs.docker.sandbox import DockerSandbox
        from envs.images.recipes import recipe_image

        with closing(connect_engine(timeout=BUILD_SECONDS)) as client:
            image = recipe_image(client, Recipe(), progress)
        return lambda: DockerSandbox(image, limits=limits, owner=owner), kind
    from envs.bubblewrap.sandbox import BubblewrapSandbox
    from envs.bubblewrap.virtualenv import host_environment

    host = host_environment(Recipe(), progress)
    return lambda: BubblewrapSandbox(
        limits=limits,
        owner=owner,
        environment=host.variables,
        read_only_paths=[str(path) for path in host.read_only],
    ), kind
