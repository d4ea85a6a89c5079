"""A proxy lives as long as its sandbox: nothing is left of it, and nothing goes past it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker.errors import NotFound

from envs.cleanup import Orphan, find_orphans, sweep
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.owner import boot_id, labels
from envs.sandbox.sandbox import Owner, SandboxLimits

from .web import RUN, Place

if TYPE_CHECKING:
    from docker import DockerClient

pytestmark = pytest.mark.docker

ROOT = Path(__file__).parents[3]
GONE = Owner(RUN, "gone", 0, 2**22 + 1, boot_id())
OWNED = """
import os, sys
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.allowed_hosts import parse_hosts
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
run, image, host = sys.argv[1:]
limits = SandboxLimits(allowed_hosts=parse_hosts([host]))
place = DockerSandbox(image, limits=limits, owner=Owner(run, "i", 1, os.getpid(), boot_id()))
place.open()
print("open", flush=True)
sys.stdin.read()
"""


def left(engine: DockerClient, run: str) -> list[str]:
    chosen = {"label": f"cwm-agent.run={run}"}
    return [
        *(x["Id"] for x in engine.api.containers(all=True, filters=chosen)),
        *(x["Name"] for x in engine.api.volumes(filters=chosen)["Volumes"] or []),
        *(x["Id"] for x in engine.api.networks(filters=chosen)),
    ]


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30.0
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_nothing_is_left_of_a_killed_run_and_others_go_on(
    engine: DockerClient, image: str, allowed: Place
) -> None:
    other, host = f"{RUN}-other", f"allowed.test:{allowed.web.plain}={allowed.web.address}"
    child = subprocess.Popen(
        [sys.executable, "-c", OWNED, other, image, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "open\n"
    assert len(left(engine, other)) == 4  # three containers and a volume
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert eventually(lambda: left(engine, other) == [])
    assert allowed.ask(f"GET http://allowed.test:{allowed.web.plain}/ HTTP/1.0\n\n") == ["200 OK"]


def test_closing_removes_the_proxy_too(engine: DockerClient, image: str) -> None:
    owner = Owner(f"{RUN}-closed", "i", 0, os.getpid(), boot_id())
    limits = SandboxLimits(allowed_hosts=parse_hosts(["allowed.test=127.0.0.1"]))
    with DockerSandbox(image, limits=limits, owner=owner):
        assert len(left(engine, owner.run)) == 4
        assert not [
            orphan for orphan in find_orphans(engine) if orphan.name in left(engine, owner.run)
        ]
    assert left(engine, owner.run) == []


def test_without_its_proxy_a_sandbox_reaches_nothing(engine: DockerClient, image: str) -> None:
    owner = Owner(f"{RUN}-fallen", "i", 0, os.getpid(), boot_id())
    limits = SandboxLimits(allowed_hosts=parse_hosts(["own.test:1=127.0.0.1"]))
    with DockerSandbox(image, limits=limits, owner=owner) as sandbox:
        (proxy,) = (
            x
            for x in engine.containers.list(filters={"label": f"cwm-agent.run={owner.run}"})
            if "proxy" in x.attrs["Args"]
        )
        proxy.kill()
        assert eventually(lambda: proxy.id not in left(engine, owner.run))
        answer = sandbox.run("exec 3<>/dev/tcp/127.0.0.1/3128; head -c1 <&3 | wc -c", timeout=30.0)
        assert re.search(r"^0$|refused", answer.output, re.MULTILINE)


def test_a_sweep_removes_a_dead_owners_volume(engine: DockerClient) -> None:
    dead = engine.volumes.create(labels=labels(GONE))
    living = engine.volumes.create(labels=labels(Owner(RUN, "i", 0, os.getpid(), boot_id())))
    try:
        sweep(engine)  # or another process's, at the same time
        with pytest.raises(NotFound):
            engine.volumes.get(dead.id)
        assert Orphan("volume", living.id) not in find_orphans(engine)
        assert living.id in left(engine, RUN)
    finally:
        living.remove()
