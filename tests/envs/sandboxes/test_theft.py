"""A program that wants its command to have ended well, or the next one to be its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from envs.sandbox.sandbox import Sandbox
from tools.workspace import CommandResult

TIMEOUT = 60.0

THIEF = r"""
import glob, os, re, sys, time

def read(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(fd, 1 << 20)
        finally:
            os.close(fd)
    except OSError:
        return b""

def write(path, data):
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fd, data)
        finally:
            os.close(fd)
    except OSError:
        pass

def memory(pid):
    found = b""
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                area = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.*(heap|stack)", line)
                if area:
                    first, last = int(area[1], 16), int(area[2], 16)
                    mem.seek(first)
                    found += mem.read(min(last - first, 1 << 22))
    except OSError:
        pass
    return found

others = [p for p in glob.glob("/proc/[0-9]*") if int(p[6:]) != os.getpid()]
pipes = [f for p in others for f in glob.glob(p + "/fd/*")]
seen = b"".join(map(read, [p + "/environ" for p in others] + [p + "/comm" for p in others] + pipes))
words = set(re.findall(rb"[A-Za-z0-9_-]{6,22}", seen))
words |= set(re.findall(rb"\b[0-9a-f]{10,11}\b", memory(os.getppid()) + memory(1)))
for word in sorted(words)[:400]:
    frames = [word + end for end in (b" done 0 /etc", b" ended 0 ", b"done " + word, b"0000true")]
    frames += [b"done " + word[:10] + b" /etc", b"ended ", word, word + b"aaaaaaaaaa"]
    for pipe in pipes:
        write(pipe, b"\0" + b"\0".join(frames) + b"\0")
time.sleep(1)
print("late", flush=True)
sys.exit(7)
"""


BECOME = (
    "import os; u = int(open('/proc/1/status').read().split('Uid:')[1].split()[0]); "
    "u == os.getuid() or (os.setgroups([]), os.setresgid(u, u, u), os.setresuid(u, u, u)); "
)


def run(place: Sandbox, command: str, timeout: float = TIMEOUT) -> CommandResult:
    return place.run(command, timeout=timeout)


@pytest.fixture(autouse=True)
def thief(place: Sandbox) -> None:
    place.restart_shell(cwd="/testbed")
    place.write_file("/testbed/thief.py", THIEF.encode())


@pytest.mark.parametrize("shell", ["run", "control"])
def test_whatever_is_stolen_and_written_back_the_end_is_the_true_one(
    place: Sandbox, shell: str
) -> None:
    result = getattr(place, shell)("cd /usr; python3 /testbed/thief.py", timeout=TIMEOUT)
    assert (result.ending, result.exit_code) == ("exited", 7)
    assert result.output.endswith("late\n")
    if shell == "run":
        assert result.cwd == place.cwd == "/usr"
    following = run(place, "echo next; (exit 3)")
    assert following.output.endswith("next\n")  # a model's background may write before it
    ours = place.control("echo ours; (exit 5)", timeout=TIMEOUT)
    assert (following.exit_code, ours.output, ours.exit_code) == (3, "ours\n", 5)
    assert place.read_file("/testbed/thief.py") == THIEF.encode()


@pytest.mark.slow  # what is stolen on its way is waited for
def test_a_thief_in_the_background_ends_no_later_command(place: Sandbox) -> None:
    run(place, "(for i in 1 2 3 4 5 6; do python3 /testbed/thief.py; done >/dev/null 2>&1) &")
    for code in (1, 2, 3):
        began = time.monotonic()
        result = run(place, f"sleep 1; echo {code}; (exit {code})", 20.0)
        if result.ending == "exited":  # else what it waited for was stolen, and it was given up
            assert (result.exit_code, time.monotonic() - began > 1) == (code, True)
            assert f"{code}\n" in result.output
        assert result.exit_code in (code, None)
    place.control("kill %1; kill $(pgrep -f thief.py)", timeout=TIMEOUT)


def test_a_name_that_a_program_takes_is_not_the_shells(place: Sandbox) -> None:
    fake = "printf '%s 0' \"$(tr -d '\\0' </proc/1/comm)\" >/proc/self/comm"
    result = run(place, f"(eval '{fake}'; cat /proc/self/comm; sleep 0.5); (exit 4)")
    assert result.exit_code == 4
    assert "Permission denied" in run(place, "echo x >/proc/1/comm; true").output or (
        run(place, "cat /proc/1/comm").output != "x\n"
    )


@pytest.mark.parametrize("path", ["fd/0", "fd/1", "fd/2", "environ", "mem", "maps", "syscall"])
def test_the_first_process_is_closed_to_all_others(place: Sandbox, path: str) -> None:
    for way in ("cat <", "echo 30 >") if path[:2] == "fd" else ("cat <",):
        answer = run(place, f"{way}/proc/1/{path} | head -c 20").output
        assert re.search("Permission denied|not permitted", answer), answer
    # As its user, too, where root may become another one.
    answer = run(place, f"python3 -c \"{BECOME}open('/proc/1/{path}').read(1)\" 2>&1").output
    assert "Error" in answer
    attach = "import ctypes; print(ctypes.CDLL(None).ptrace(16, 1, 0, 0))"
    assert run(place, f'python3 -c "{attach}"').output == "-1\n"


def test_the_first_process_heeds_no_signal_and_no_stop(place: Sandbox) -> None:
    run(place, "for n in {1..64}; do kill -$n 1; done 2>/dev/null")
    assert run(place, "echo here").output == "here\n"


@pytest.mark.slow  # a shell that does not begin is waited for
def test_a_stopped_shell_costs_its_command_only(place: Sandbox) -> None:
    pids = run(place, "echo $$ $PPID").output
    place.control(f"kill -STOP {pids}", timeout=TIMEOUT)
    assert run(place, "echo lost", 1.0).ending != "exited"
    assert run(place, "echo next").output == "next\n"


def test_close_comes_to_an_end_whatever_holds_on(place: Sandbox) -> None:
    again = type(place)(**_like(place))  # type: ignore[call-arg]
    again.open()
    again.run(
        "exec 200<>/proc/1/fd/0 201<>/proc/$PPID/fd/1; "
        "for f in /proc/[0-9]*/fd/*; do (exec 3<>$f; exec sleep 600) & done 2>/dev/null",
        timeout=TIMEOUT,
    )
    closing = threading.Thread(target=again.close)
    closing.start()
    closing.join(TIMEOUT)
    assert not closing.is_alive()


HELD = """
import os, sys, time
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.sandbox import DockerSandbox
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
owner = Owner("held", "i", 0, os.getpid(), boot_id())
what = {"limits": SandboxLimits(), "owner": owner}
place = DockerSandbox(sys.argv[2], **what) if sys.argv[2] else BubblewrapSandbox(**what)
place.open()
hold = "for f in /proc/1/fd/* /proc/$PPID/fd/*; do (exec 3<>$f; exec sleep 2727) & done; "
hold += "sleep 2728 &"
place.run(hold, timeout=30)
print("held", flush=True)
time.sleep(600)
"""


def test_a_killed_owner_takes_along_who_holds_every_pipe(
    place: Sandbox, request: pytest.FixtureRequest
) -> None:
    image = request.getfixturevalue("docker_image") if place.kind == "docker" else ""
    child = subprocess.Popen(
        [sys.executable, "-c", HELD, place.kind, image],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    assert _sleepers() > 0
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    deadline = time.monotonic() + TIMEOUT
    while _sleepers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _sleepers() == 0


def _sleepers() -> int:
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += path.read_bytes().startswith(b"sleep\x00272")
        except OSError:
            continue
    return count


def _like(place: Sandbox) -> dict[str, object]:
    """How to make another sandbox of the same kind."""
    made = {"limits": place._limits, "owner": place._owner}  # type: ignore[attr-defined]
    return {**made, "image": place._image} if place.kind == "docker" else made  # type: ignore[attr-defined]
