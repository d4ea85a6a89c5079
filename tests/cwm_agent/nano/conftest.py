"""Generated tasks, the texts of the tiny model, and real sandboxes with a `python` in them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import closing

import pytest

from cwm_agent.prompts.packs import load
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.bubblewrap.virtualenv import host_environment
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.images.recipes import recipe_image
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import Recipe
from tools.texts import Texts

MakeSandbox = Callable[[], Sandbox]


@pytest.fixture(scope="session")
def texts() -> Texts:
    return load("nano")


@pytest.fixture(
    scope="session", params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
)
def make_sandbox(request: pytest.FixtureRequest) -> MakeSandbox:
    owner = Owner("test", "nano", 0, os.getpid(), boot_id())
    limits = SandboxLimits(memory_bytes=2**30, pids=200)
    if request.param == "docker":
        with closing(connect_engine(timeout=600)) as client:
            image = recipe_image(client, Recipe())
        return lambda: DockerSandbox(image, limits=limits, owner=owner)
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    host = host_environment(Recipe())
    return lambda: BubblewrapSandbox(
        limits=limits,
        owner=owner,
        environment=host.variables,
        read_only_paths=[str(path) for path in host.read_only],
    )
