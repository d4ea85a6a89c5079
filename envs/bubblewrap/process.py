"""Starting and ending the processes of one bubblewrap sandbox."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from envs.bubblewrap.socket_filter import socket_filter
from envs.errors import SandboxError
from envs.sandbox.sandbox import SandboxLimits
from envs.shell.keeper import UNREADABLE, Keeper, command_line
from envs.shell.stream import PipeStream

END_SECONDS = 30.0
NOBODY = 65534


class BubblewrapProcess:
    """Process 1 of the namespaces, which is a keeper, and bubblewrap's own outside of them."""

    def __init__(self, outer: subprocess.Popen[bytes], first: int, keeper: Keeper) -> None:
        """`first` is a descriptor of process 1 (pidfd), owned from now on."""
        self._outer = outer
        self._first = first
        self.keeper = keeper

    def kill(self) -> None:
        """End everything inside, from any thread, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        self._outer.kill()

    def close(self) -> None:
        """End everything inside and wait until it is gone, which is soon: the kernel does it."""
        self.kill()
        self.keeper.close()
        self._outer.wait()
        # Process 1 is gone only when all others are.
        select.select([self._first], [], [], END_SECONDS)
        os.close(self._first)


def start(
    command: Sequence[str],
    bash: str,
    limits: SandboxLimits,
    *,
    log: Path,
    enter: Callable[[list[str]], list[str]],
) -> BubblewrapProcess:
    """Run bubblewrap, given as `command`; `bash` is the keeper's own one (see `own_bash`) inside.

    `enter` makes of a command line one that runs in the sandbox's control group. Raises
    SandboxError. The sandbox ends when the keeper's input does: that is when this process
    closes it or dies. (PR_SET_PDEATHSIG would instead follow the thread that starts it.)
    """
    told, tell = os.pipe()
    with socket_filter() as rules, log.open("wb") as errors:
        options = ["--info-fd", str(tell), *(("--seccomp", str(rules.fileno())) if rules else ())]
        program, *rest = command
        line = [
            program,
            *options,
            *rest,
            bash,
            *command_line(limits.idle_seconds, limits.lifetime_seconds),
        ]
        outer = subprocess.Popen(
            enter(line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={},
            cwd="/",
            start_new_session=True,
            pass_fds=[tell, *([rules.fileno()] if rules else [])],
        )
    os.close(tell)
    assert outer.stdin is not None
    assert outer.stdout is not None
    with os.fdopen(told) as info, outer.stdin as source, outer.stdout as answers:
        stream = PipeStream(os.dup(source.fileno()), os.dup(answers.fileno()))
        keeper = Keeper(stream, limits.idle_seconds)
        try:
            first = os.pidfd_open(json.loads(info.read())["child-pid"])
        except (ValueError, ProcessLookupError) as error:
            stream.close()
            outer.kill()
            outer.wait()
            raise SandboxError(_why(log), cause="not_available") from error
    started = BubblewrapProcess(outer, first, keeper)
    try:
        kibibytes = limits.memory_bytes // 1024
        keeper.limit(f"ulimit -c 0 -v {kibibytes}; ulimit -u {limits.pids}")
    except SandboxError as error:
        started.close()
        raise SandboxError(_why(log), cause="not_available") from error
    return started


def own_bash(folder: Path) -> Path:
    """A copy of bash that cannot be read inside; see UNREADABLE. Raises SandboxError."""
    program = shutil.which("bash")
    if program is None:
        raise SandboxError("bash is not installed on this machine", cause="not_available")
    copy = folder / "bash"
    # By a process of its own: what another thread starts meanwhile would hold a file that is
    # open for writing here, and no program can be started while anything holds it so.
    done = subprocess.run(["cp", "--", program, copy], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SandboxError(f"bash cannot be copied: {done.stderr.strip()}", cause="not_available")
    copy.chmod(UNREADABLE)
    if os.geteuid() == 0:  # nobody has no place inside, so no capability there is over his files
        os.chown(copy, NOBODY, NOBODY)
    return copy


def _why(log: Path) -> str:
    """Why there are no namespaces, from bubblewrap's own words."""
    words = log.read_text(errors="replace").strip() or "it gave no reason"
    return (
        f"bubblewrap could not make a sandbox ({words}); where the system forbids user "
        "namespaces, allow them (sysctl kernel.unprivileged_userns_clone=1, or "
        "kernel.apparmor_restrict_unprivileged_userns=0), or start a Docker engine"
    )
