"""One open sandbox of each kind, to break out of, and one that may reach a few hosts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.recipes import base_image, proxy_image
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

from .web import CERTIFY, RUN, SERVE, Place, Web, fill

if TYPE_CHECKING:
    from docker import DockerClient

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


@pytest.fixture(scope="module")
def image(engine: DockerClient) -> str:
    try:
        proxy_image(engine)
    except SandboxError as error:
        pytest.skip(
            f"NO TEST OF THE PROXY, for its image (apt: squid, socat) cannot be made: {error}"
        )
    return base_image(engine)


@pytest.fixture(scope="module")
def web(
    engine: DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    fill(folder)
    limits = SandboxLimits(memory_bytes=2**29, pids=200, network=True)
    owner = Owner(RUN, "web", 0, os.getpid(), boot_id())
    with DockerSandbox(image, limits=limits, owner=owner, root="/srv") as server:
        server.put_tree(str(folder), "/srv/web")
        server.write_file("/srv/serve.py", SERVE.encode())
        answer = server.run(
            f"{CERTIFY} && : >seen && exec 3< <(python3 serve.py) && head -1 <&3", timeout=60.0
        )
        assert answer.output.endswith("on\n")
        networks = engine.containers.get(server.container_id).attrs["NetworkSettings"]["Networks"]
        yield Web(server, networks["bridge"]["IPAddress"])


@pytest.fixture(scope="module")
def allowed(image: str, web: Web) -> Iterator[Place]:
    hosts = [f"allowed.test:{web.plain}={web.address}", f"allowed.test:{web.tls}={web.address}"]
    hosts += [f"public.test:{web.unlisted}", f"public.test:1={web.address}"]
    hosts += ["own.test:1=127.0.0.1", "own.test:82"]
    limits = SandboxLimits(memory_bytes=2**29, pids=200, allowed_hosts=parse_hosts(hosts))
    with DockerSandbox(image, limits=limits, owner=Owner(RUN, "i", 0, os.getpid(), boot_id())) as s:
        yield Place(s, web)
