"""One open sandbox of each kind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.images.recipes import base_image
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

LIMITS = SandboxLimits(memory_bytes=2**30, pids=200, output_bytes=64 * 1024)


@pytest.fixture(scope="session")
def owner() -> Owner:
    return Owner("test", "instance", 0, os.getpid(), boot_id())


@pytest.fixture(scope="session")
def docker_image(engine: DockerClient) -> str:
    return base_image(engine)


@pytest.fixture(
    scope="module", params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
)
def place(request: pytest.FixtureRequest, owner: Owner) -> Iterator[Sandbox]:
    """A module's tests share it; each must leave it working."""
    with closed_sandbox(request, request.param, owner) as sandbox:
        yield sandbox


def closed_sandbox(
    request: pytest.FixtureRequest,
    kind: str,
    owner: Owner,
    variables: Mapping[str, str] | None = None,
) -> Sandbox:
    """A sandbox of this kind, not yet open."""
    if kind == "docker":
        image = request.getfixturevalue("docker_image")
        return DockerSandbox(image, limits=LIMITS, owner=owner, environment=variables)
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return BubblewrapSandbox(limits=LIMITS, owner=owner, environment=variables)
