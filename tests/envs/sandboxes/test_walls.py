"""What a sandbox keeps out, what it is limited to, and what is left of it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envs.bubblewrap.sandbox import PREFIX, BubblewrapSandbox
from envs.cleanup import Orphan, find_orphans, sweep
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.registry import choose_kind
from envs.sandbox.owner import is_gone, labels
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT = 30.0


def run(place: Sandbox, command: str) -> str:
    return place.run(command, timeout=TIMEOUT).output


def test_bubblewrap_shows_what_it_was_given_and_nothing_else(owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "file").write_text("seen")
    (tmp_path / "other").write_text("unseen")
    with BubblewrapSandbox(
        limits=SandboxLimits(),
        owner=owner,
        environment={"GREETING": "a b"},
        read_only_paths=[str(tmp_path / "shown")],
    ) as place:
        assert run(place, f"cat {tmp_path}/shown/file; ls {tmp_path}") == "seenshown\n"
        assert "Read-only" in run(place, f"echo x >{tmp_path}/shown/file")
        assert run(place, "echo $GREETING") == "a b\n"
        assert run(place, f"{sys.executable} -c 'print(6 * 7)'") == "42\n"


def test_close_leaves_nothing_and_may_come_twice(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # the system's is others', too
    place = BubblewrapSandbox(limits=SandboxLimits(), owner=owner)
    place.open()
    place.open()
    run(place, "mkdir -p a/b; chmod 000 a; sleep 1000 & setsid sleep 1001 &")
    place.close()
    place.close()
    assert not list(tmp_path.iterdir())
    assert "sleep\x001001" not in "".join(_command_lines())
    assert place.run("true", timeout=5).ending == "lost"


def test_a_missing_read_only_path_is_an_error_with_its_name(owner: Owner) -> None:
    place = BubblewrapSandbox(limits=SandboxLimits(), owner=owner, read_only_paths=["/no/such"])
    with pytest.raises(SandboxError, match="/no/such"):
        place.open()


def test_without_bubblewrap_the_error_says_what_to_install(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(SandboxError, match="install bubblewrap"):
        BubblewrapSandbox(limits=SandboxLimits(), owner=owner).open()
    with pytest.raises(SandboxError, match=r"no Docker engine answers and .* install bubblewrap"):
        choose_kind("auto")
    with pytest.raises(SandboxError, match="is not installed"):
        choose_kind("bubblewrap")


def test_without_an_engine_bubblewrap_is_chosen_and_docker_refused(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{dead}")
    assert choose_kind("auto") == "bubblewrap"
    with BubblewrapSandbox(limits=SandboxLimits(), owner=owner) as place:
        assert (place.kind, run(place, "pwd")) == ("bubblewrap", "/testbed\n")
    with pytest.raises(SandboxError, match=r"no Docker engine answers .*start it"):
        choose_kind("docker")


def test_a_killed_owner_takes_its_bubblewrap_sandbox_along_and_leaves_a_stray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    child = _start_owner("bubblewrap", None)
    (folder,) = tmp_path.glob(f"{PREFIX}*")
    assert Orphan("folder", str(folder)) not in find_orphans()
    child.send_signal(signal.SIGKILL)
    child.wait()
    deadline = time.monotonic() + TIMEOUT
    while "sleep\x004242" in "".join(_command_lines()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "sleep\x004242" not in "".join(_command_lines())
    assert Orphan("folder", str(folder)) in sweep()
    assert not folder.exists()


def test_an_owner_is_gone_only_when_that_is_sure(owner: Owner) -> None:
    mine = labels(owner)
    assert not is_gone(mine)
    assert is_gone(mine | {"cwm-agent.owner-start-time": "1"})
    assert is_gone(mine | {"cwm-agent.boot": "another"})
    assert not is_gone(mine | {"cwm-agent.host": "another", "cwm-agent.boot": "another"})
    assert not is_gone(mine | {"cwm-agent.pid-namespace": "another", "cwm-agent.pid": "1"})
    assert not is_gone({})


@pytest.mark.docker
class TestDocker:
    def test_limits_and_labels_are_on_the_container(
        self, owner: Owner, docker_image: str, engine: DockerClient
    ) -> None:
        limits = SandboxLimits(memory_bytes=2**29, pids=77, cpus=0.5)
        with DockerSandbox(docker_image, limits=limits, owner=owner) as place:
            name = run(place, "hostname").strip()
            container = engine.containers.get(name)
            host = container.attrs["HostConfig"]
            assert (host["Memory"], host["PidsLimit"], host["CpuQuota"]) == (2**29, 77, 50_000)
            assert (host["NetworkMode"], host["AutoRemove"]) == ("none", True)
            assert labels(owner).items() <= container.labels.items()
            bomb = "for i in {1..300}; do sleep 5 & done; wait"
            assert place.run(bomb, timeout=2).ending in ("timeout", "exited", "shell_ended")
            assert run(place, "echo fine") == "fine\n"

    def test_an_image_without_bash_is_refused_with_a_reason(
        self, owner: Owner, docker_image: str, engine: DockerClient
    ) -> None:
        tag = "cwm-agent-test/no-bash"
        script = ["sh", "-c", "rm -f /bin/bash /usr/bin/bash"]
        container = engine.containers.create(docker_image, script)
        try:
            container.start()
            container.wait()
            container.commit(tag)
            place = DockerSandbox(tag, limits=SandboxLimits(), owner=owner)
            with pytest.raises(SandboxError, match="needs bash"):
                place.open()
        finally:
            container.remove(force=True)
            engine.images.remove(tag, force=True)

    def test_the_container_of_a_killed_owner_ends_and_goes_by_itself(
        self, docker_image: str, engine: DockerClient
    ) -> None:
        child = _start_owner("docker", docker_image)
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        assert Orphan("container", name) not in find_orphans()
        child.send_signal(signal.SIGKILL)
        child.wait()
        deadline = time.monotonic() + TIMEOUT
        while engine.containers.list(all=True, sparse=True, filters={"id": name}):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def test_volumes_that_an_image_declares_go_with_the_container(
        self, owner: Owner, docker_image: str, engine: DockerClient
    ) -> None:
        """Closed or killed: nobody else would ever remove a volume without a name."""
        tag = "cwm-agent-test/volume"
        container = engine.containers.create(docker_image, ["true"])
        container.commit(tag, changes="VOLUME /data")
        container.remove()
        try:
            place = DockerSandbox(tag, limits=SandboxLimits(), owner=owner)
            with place:
                closed = _volume(engine, place.container_id)
                engine.volumes.get(closed)
            child = _start_owner("docker", tag)
            assert child.stdout is not None
            name = child.stdout.readline().strip()
            killed = _volume(engine, name)
            child.kill()
            child.wait()
            deadline = time.monotonic() + TIMEOUT
            while engine.containers.list(all=True, sparse=True, filters={"id": name}):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert not {closed, killed} & {volume.id for volume in engine.volumes.list()}
        finally:
            engine.images.remove(tag, force=True)


def _volume(engine: DockerClient, container: str) -> str:
    (mount,) = engine.containers.get(container).attrs["Mounts"]
    name: str = mount["Name"]
    return name


OWNER_PROGRAM = """
import os, sys, time
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
owner = Owner("killed", "i", 0, os.getpid(), boot_id())
what = {"limits": SandboxLimits(), "owner": owner}
place = DockerSandbox(sys.argv[2], **what) if sys.argv[2] else BubblewrapSandbox(**what)
place.open()
place.run("sleep 4242 &", timeout=9)
print("ready", flush=True)
print(place.run("hostname", timeout=9).output.strip(), flush=True)
time.sleep(600)
"""


def _start_owner(kind: str, image: str | None) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", OWNER_PROGRAM, kind, image or ""],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_text(errors="replace")
        except OSError:
            continue
