"""A person's shell in a sandbox that another holds: behind its walls, on a terminal of its own."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from envs.bubblewrap.entering import enter
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap")
SECONDS = 120
LOOK = r"""
cat here; pwd; hostname; env | grep -c SECRET; test -t 0 && test -t 1 && echo a ter''minal
grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\t0\n'; echo
echo from outside >there; stty size; exit 3
"""


@pytest.fixture
def place() -> Iterator[BubblewrapSandbox]:
    owner = Owner("a run", "an/instance", 1, os.getpid(), boot_id())
    with BubblewrapSandbox(limits=SandboxLimits(), owner=owner) as sandbox:
        yield sandbox


def test_the_shell_stands_in_the_repository_behind_the_sandboxs_walls(
    place: BubblewrapSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "of the host")
    place.run("cd /testbed && echo inside >here", timeout=60)
    command = enter("a run", "an/instance", 1)
    assert command is not None
    controller, terminal = pty.openpty()
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        os.write(controller, LOOK.encode())
        shown = b""
        while piece := _read(controller):
            shown += piece
        code = process.wait(SECONDS)
    os.close(controller)
    lines = [line.strip() for line in shown.decode().splitlines()]
    assert code == 3, lines
    for line in ("inside", "/testbed", "sandbox", "0", "a terminal"):
        assert any(found.endswith(line) for found in lines), lines
    assert any(line.endswith("CapPrm:CapEff:CapBnd:NoNewPrivs:1Seccomp:2") for line in lines)
    assert place.run("cat /testbed/there", timeout=60).output == "from outside\n"


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 65536)
    except OSError:  # the last program that held the terminal has ended
        return b""


def test_it_ends_with_the_sandbox(place: BubblewrapSandbox) -> None:
    command = enter("a run", "an/instance", 1)
    assert command is not None
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"echo be''gun\n")
        process.stdin.flush()
        while b"begun" not in process.stdout.readline():
            assert process.poll() is None
        place.close()
        process.stdout.read()
        assert process.wait(SECONDS) != 0
    assert enter("a run", "an/instance", 1) is None


@pytest.mark.parametrize("wanted", [("other", "an/instance", 1), ("a run", "an/instance", 0)])
def test_only_the_sandbox_of_that_attempt_is_entered(
    place: BubblewrapSandbox, wanted: tuple[str, str, int]
) -> None:
    assert enter(*wanted) is None
