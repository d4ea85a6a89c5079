"""Making sandboxes to break, and looking for what is left of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from envs.bubblewrap.cgroup import orphan_cgroups
from envs.bubblewrap.sandbox import PREFIX, BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

ROOT = Path(__file__).parents[3]
RUN = f"faults-{os.getpid()}"
"""Names everything that this test process makes."""
MIB = 2**20
TIMEOUT = 30.0
SMALL = SandboxLimits(memory_bytes=256 * MIB, pids=100, cpus=1.0, disk_bytes=64 * MIB)


@dataclass
class Places:
    """Makes open sandboxes of one kind; closes those that are left."""

    kind: str
    image: str | None
    client: DockerClient | None = None
    made: list[Sandbox] = field(default_factory=list)

    def __call__(self, limits: SandboxLimits = SMALL, **more: Any) -> Any:
        owner = Owner(RUN, "i", len(self.made), os.getpid(), boot_id())
        if self.kind == "docker":
            assert self.image is not None
            place: Sandbox = DockerSandbox(
                self.image, limits=limits, owner=owner, client=self.client, **more
            )
        else:
            if shutil.which("bwrap") is None:
                pytest.skip("bubblewrap is not installed")
            place = BubblewrapSandbox(limits=limits, owner=owner, **more)
        self.made.append(place)
        place.open()
        return place

    def close(self) -> None:
        for place in self.made:
            place.close()


def left_over(client: DockerClient | None) -> list[str]:
    """Containers, volumes, networks, folders and control groups of this test process."""
    folders = list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))
    left = [str(folder) for folder in folders]
    left += [f"cgroup {name}" for name in orphan_cgroups()]
    if client is not None:
        chosen = {"label": f"cwm-agent.run={RUN}"}
        left += [x["Id"] for x in client.api.containers(all=True, filters=chosen)]
        left += [x["Name"] for x in client.api.volumes(filters=chosen)["Volumes"] or []]
        left += [x["Id"] for x in client.api.networks(filters=chosen)]
    return left


def eventually(condition: Callable[[], bool], seconds: float = TIMEOUT) -> bool:
    """Whether it comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def command_lines() -> Iterator[str]:
    """Of all processes that can be seen, arguments separated by blanks."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Our own code in another process, to be killed or frozen."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": tempfile.gettempdir()},
    )
