"""Sandboxes of each kind to break, and a look at the end that nothing is left of them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from injection import Places, eventually, left_over

from envs.cleanup import sweep
from envs.docker.engine import connect_engine
from envs.errors import SandboxError
from envs.images.recipes import base_image

if TYPE_CHECKING:
    from docker import DockerClient

BOTH = ["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After a module's tests and what the next start does: not even an empty folder."""
    before = tempfile.tempdir
    tempfile.tempdir = str(tmp_path_factory.mktemp("faults"))
    yield
    try:
        client = connect_engine(timeout=5)
    except SandboxError:
        client = None

    def swept() -> bool:
        sweep(client)  # again: tests beside these kill owners of control groups too
        return left_over(client) == []

    assert eventually(swept), left_over(client)
    assert list(Path(tempfile.tempdir).iterdir()) == []
    tempfile.tempdir = before
    if client is not None:
        client.close()


@pytest.fixture(params=BOTH)
def places(request: pytest.FixtureRequest) -> Iterator[Places]:
    """One kind of sandbox; each test opens its own."""
    image = None
    if request.param == "docker":
        image = base_image(request.getfixturevalue("engine"))
    made = Places(request.param, image)
    yield made
    made.close()


@pytest.fixture
def containers(engine: DockerClient) -> Iterator[Places]:
    """Docker only."""
    made = Places("docker", base_image(engine))
    yield made
    made.close()
