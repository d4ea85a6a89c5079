"""One open sandbox of each kind, to break out of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.images.recipes import base_image
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    pass

LIMITS = SandboxLimits(memory_bytes=512 * 2**20, pids=200, cpus=1.0, disk_bytes=2**28)
OWNER = Owner(f"escapes-{os.getpid()}", "i", 0, os.getpid(), boot_id())


@pytest.fixture(
    scope="module", params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]
)
def place(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param == "docker":
        image = base_image(request.getfixturevalue("engine"))
        opened: Sandbox = DockerSandbox(image, limits=LIMITS, owner=OWNER)
    elif shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    else:
        opened = BubblewrapSandbox(limits=LIMITS, owner=OWNER)
    with opened as sandbox:
        yield sandbox


@pytest.fixture
def run(place: Sandbox) -> Callable[[str], str]:
    """What a command prints."""
    return lambda command: place.run(command, timeout=30.0).output
