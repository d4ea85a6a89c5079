"""Ways out of a sandbox, each tried for real and refused for the right reason."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from envs.docker.sandbox import DockerSandbox
from envs.sandbox.sandbox import Owner, Sandbox

Run = Callable[[str], str]

CONNECT = """python3 - <<'END'
import socket
for family, address in ({addresses}):
    try:
        with socket.socket(family) as client:
            client.settimeout(2)
            client.connect(address)
            print("reached", address)
    except OSError as error:
        print(error.strerror)
END"""
LISTEN = """
import socket
listener = socket.create_server(("127.0.0.1", 7007))
print("on", flush=True)
listener.accept()
"""
READ_ONLY = "Read-only file system"


class TestNetwork:
    def test_the_hosts_loopback_is_another(self, run: Run) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            socket.create_connection(("127.0.0.1", port)).close()  # from here it is reached
            answer = run(f"exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached")
        assert "Connection refused" in answer
        assert "reached" not in answer

    def test_abstract_sockets_of_the_host_are_others(self, run: Run) -> None:
        name = f"cwm-agent-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"\0{name}")
            listener.listen()
            answer = run(CONNECT.format(addresses=f"(socket.AF_UNIX, '\\0{name}'),"))
        assert answer == "Connection refused\n"

    def test_there_is_no_device_and_none_can_be_made(self, run: Run) -> None:
        assert run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '") == "lo\n"
        addresses = "(socket.AF_INET, ('192.0.2.1', 80)), (socket.AF_INET6, ('2001:db8::1', 80)),"
        lines = set(run(CONNECT.format(addresses=addresses)).splitlines())
        assert lines <= {"Network is unreachable", "Cannot assign requested address"}
        packet = "python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)' 2>&1"
        assert "Operation not permitted" in run(packet)

    @pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root")
    def test_a_network_namespace_of_the_host_cannot_be_entered(self, run: Run) -> None:
        server = subprocess.Popen(
            [
                "unshare",
                "--net",
                "sh",
                "-c",
                f"ip link set lo up; exec {sys.executable} -c '{LISTEN}'",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "on\n"
            answer = run(f"nsenter --net=/proc/{server.pid}/ns/net true 2>&1 || echo refused")
            assert re.search(r"No such file|Operation not permitted|Permission denied", answer)
            assert "refused" in answer
            assert "refused" in run("exec 3<>/dev/tcp/127.0.0.1/7007 && echo reached")
        finally:
            server.kill()  # unshare and sh have become the listener
            server.communicate()


class TestFiles:
    def test_the_hosts_files_do_not_exist(self, run: Run) -> None:
        with tempfile.NamedTemporaryFile(prefix="cwm-agent-secret-") as secret:
            for way in ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/../../.."):
                answer = run(f"cat {way}{secret.name}")
                assert re.search("No such file or directory|Permission denied", answer)

    def test_the_hosts_programs_cannot_be_changed(self, run: Run, place: Sandbox) -> None:
        before = Path("/usr/bin/env").stat()
        answer = run("touch /usr/bin/cwm-agent-was-here; chmod 777 /usr/bin/env")
        assert place.kind == "docker" or answer.count(READ_ONLY) == 2
        assert Path("/usr/bin/env").stat() == before
        assert not Path("/usr/bin/cwm-agent-was-here").exists()

    def test_nothing_can_be_mounted_or_made_writable(self, run: Run) -> None:
        for command in ("mount -t tmpfs x /tmp", "mount -o remount,rw /usr", "umount /proc"):
            answer = run(f"{command} 2>&1 || echo refused")
            assert "refused" in answer
            assert re.search(r"ermission denied|superuser|not permitted|must be", answer)

    def test_no_namespace_gives_capabilities_back(self, run: Run) -> None:
        answer = run("unshare --user --map-root-user --mount mount -t tmpfs x /tmp 2>&1 || echo no")
        assert answer.endswith("no\n")
        assert re.search(r"Operation not permitted|No space left on device", answer)

    def test_no_device_can_be_made(self, run: Run) -> None:
        assert "Operation not permitted" in run("mknod /tmp/disk b 8 0 2>&1")
        assert run("ls /dev | grep -E '^(sd|vd|nvme|mem|kmem|kvm|loop)' || echo none") == "none\n"

    def test_there_is_no_engine_socket(self, run: Run) -> None:
        addresses = "*((socket.AF_UNIX, p) for p in ('/var/run/docker.sock', '/run/docker.sock')),"
        lines = set(run(CONNECT.format(addresses=addresses)).splitlines())
        assert lines == {"No such file or directory"}


OWN_USERS = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7))
"""CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID (linux/capability.h)."""


class TestKernel:
    @pytest.mark.parametrize(
        "path",
        ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches"],
    )
    def test_the_kernels_switches_are_read_only(self, run: Run, path: str) -> None:
        # Opened for writing, and nothing written: a hole must not harm the machine that finds it.
        answer = run(f"(: >>{path}) 2>&1 && echo opened")
        assert "opened" not in answer
        reasons = (READ_ONLY, "Permission denied", *(() if Path(path).exists() else ("No such",)))
        assert any(reason in answer for reason in reasons)

    def test_no_capability_but_over_its_own_users_and_no_way_to_one(
        self, run: Run, place: Sandbox
    ) -> None:
        status = run("cat /proc/self/status")
        kept = OWN_USERS if place.kind == "docker" else 0
        for kind in ("Prm", "Eff", "Bnd"):
            assert f"Cap{kind}:\t{kept:016x}" in status
        for kind in ("Inh", "Amb"):
            assert f"Cap{kind}:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status

    def test_limits_cannot_be_raised(self, run: Run) -> None:
        assert "Operation not permitted" in run("ulimit -c unlimited 2>&1")
        assert re.search(r"ermission denied|not permitted", run("nice -n -5 true 2>&1"))
        base = "/sys/fs/cgroup"
        limits = ("pids/pids.max", "memory/memory.limit_in_bytes", "pids.max", "memory.max")
        for file in (*limits, "pids/cgroup.procs", "cgroup.procs"):
            # One that is not there is not the kernel's; version 1 lets root make plain files here.
            there = f"[ -e {base}/{file} ] || {{ echo No such file or directory; false; }}"
            answer = run(f"{there} && echo 0 >{base}/{file} && echo raised")
            assert "raised" not in answer
            assert re.search(f"{READ_ONLY}|No such file or directory|denied", answer)


class TestNeighbours:
    def test_the_hosts_processes_and_environment_cannot_be_seen(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CWM_TEST_SECRET", "host-secret")
        assert "host-secret" not in run("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'")
        assert f"\n{os.getpid()}\n" not in run("cd /proc; printf '%s\\n' [0-9]*")
        assert "No such process" in run(f"kill -9 {os.getpid()} 2>&1 || :")

    def test_another_sandbox_cannot_be_seen(self, run: Run, place: Sandbox) -> None:
        other = type(place)(**_like(place))  # type: ignore[call-arg]
        with other:
            other.run("sleep 6161 & echo mine >/tmp/mine; echo mine >/dev/shm/mine", timeout=30)
            assert "6161" not in run("cat /proc/*/cmdline | tr '\\0' ' '")
            assert run("ls /tmp/mine /dev/shm/mine 2>&1 | grep -c 'No such file'") == "2\n"


def _like(place: Sandbox) -> dict[str, object]:
    """How to make another sandbox of the same kind."""
    made: dict[str, object] = {
        "limits": place._limits,  # type: ignore[attr-defined]
        "owner": Owner("escapes", "other", 1, os.getpid(), place._owner.boot_id),  # type: ignore[attr-defined]
    }
    if isinstance(place, DockerSandbox):
        made["image"] = place._image
    return made
