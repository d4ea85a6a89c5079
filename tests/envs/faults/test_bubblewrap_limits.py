"""Bubblewrap's file systems and doors, as root and as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from injection import MIB, ROOT, TIMEOUT

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.bubblewrap.socket_filter import MACHINES, program
from envs.errors import OversizeError
from envs.repository.repository import SandboxRepository
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits

PROBE = """
import os
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
limits = SandboxLimits(memory_bytes=512 * 2**20, pids=200, disk_bytes=64 * 2**20)
with BubblewrapSandbox(limits=limits, owner=Owner("l", "i", 0, os.getpid(), boot_id())) as place:
    before = os.stat(place._folder / "log").st_size
    script = '''for d in / /etc /var /dev/shm /tmp /root /run /home /var/tmp /dev /dev/pts \\\\
        /run/cwm-agent /proc /testbed; do
      mkdir -p $d 2>/dev/null; head -c 200000000 /dev/zero 2>/dev/null >$d/big
      stat -c '%n %s' $d/big 2>/dev/null; rm -f $d/big
    done
    head -c 1000000 /dev/zero >/proc/1/fd/2; head -c 1000000 /dev/zero >/proc/1/fd/1
    python3 -c "import socket; socket.socket(40, socket.SOCK_STREAM)" 2>&1 | tail -1
    python3 -c "import ctypes; print('ring', ctypes.CDLL(None).syscall(425, 1, 0))"
    '''
    print(place.run(script, timeout=60).output)
    print("log", os.stat(place._folder / "log").st_size - before)
"""


@pytest.mark.parametrize("user", [os.geteuid(), 1234] if os.geteuid() == 0 else [os.geteuid()])
def test_nothing_is_written_past_the_limits_and_no_door_is_left(user: int) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    python = sys.executable
    if user != os.geteuid():  # ours may lie where nobody else may go
        system = shutil.which("python3", path="/usr/bin")
        if system is None:
            pytest.skip("no Python for another user")
        python = system
    done = subprocess.run(
        [python, "-c", PROBE],
        capture_output=True,
        text=True,
        timeout=2 * TIMEOUT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"},
        user=user,
        group=user,
        extra_groups=[],
        check=False,
    )
    if "Permission denied" in done.stderr and user != os.geteuid():
        pytest.skip("the checkout is closed to another user")
    lines = done.stdout.split("\n")
    sizes = dict(line.rsplit(" ", 1) for line in lines if line.startswith("/"))
    assert set(sizes) >= {"/testbed/big", "/dev/shm/big", "//big", "/etc/big", "/var/big"}, done
    assert all(int(size) <= 64 * MIB for size in sizes.values()), sizes
    assert not {"/dev/big", "/proc/big", "/run/cwm-agent/big"} & set(sizes)
    assert "Address family not supported by protocol" in done.stdout
    assert "ring -1" in done.stdout
    assert "log 0" in done.stdout


@pytest.mark.parametrize("machine", MACHINES.values())
def test_the_filter_is_whole_instructions(machine: object) -> None:
    assert len(program(machine)) == 11 * 8  # type: ignore[arg-type]


@pytest.mark.parametrize("disk", [64 * MIB, 4096 * MIB])
def test_a_full_disk_takes_no_change_away(disk: int) -> None:
    """What is kept back for git records it at once; without that it is said, and recorded later."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    owner = Owner("l", "i", 0, os.getpid(), boot_id())
    with BubblewrapSandbox(limits=SandboxLimits(disk_bytes=disk), owner=owner) as place:
        place.run("mkdir -p /testbed; echo a > /testbed/a", timeout=TIMEOUT)
        repository = SandboxRepository(place, "/testbed")
        repository.prepare()
        fill = "cat /dev/zero > /tmp/big; cat /dev/zero > /tmp/rest; echo b > /testbed/a"
        place.run(fill, timeout=TIMEOUT)
        if disk > 64 * MIB:
            assert "+b" in repository.snapshot().diff
        else:
            with pytest.raises(OversizeError, match="the disk is full"):
                repository.snapshot()
        place.run("rm /tmp/big /tmp/rest", timeout=TIMEOUT)
        assert "+b" in repository.snapshot().diff
