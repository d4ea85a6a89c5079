"""A control group for one sandbox: limits in total, where this process may make groups.

That is root with a writable /sys/fs/cgroup. Anyone else gets None from
`make_cgroup`, and limits for each process only.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envs.sandbox.diagnosis import Counters
from envs.sandbox.owner import start_time
from envs.sandbox.sandbox import SandboxLimits

ROOT = Path("/sys/fs/cgroup")
PREFIX = "cwm-agent-"
CONTROLLERS = ("pids", "memory", "cpu")
CPU_PERIOD = 100_000
REMOVE_SECONDS = 5.0

# What enters a group is the process itself, before it becomes the program: nothing escapes.
ENTER = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"'


@dataclass(frozen=True, slots=True)
class Cgroup:
    """One folder for each controller (version 1), or one for all (version 2)."""

    folders: tuple[Path, ...]

    def command(self, program: list[str]) -> list[str]:
        """A command line that runs `program` inside."""
        return ["/bin/sh", "-c", ENTER, "sh", *map(str, self.folders), "--", *program]

    def counters(self) -> Counters:
        """What the kernel counted against the limits."""
        lines: list[str] = []
        for folder in self.folders:
            for name in ("memory.oom_control", "pids.events", "memory.events"):
                with contextlib.suppress(OSError):
                    text = (folder / name).read_text().splitlines()
                    lines += [x for x in text if name == "pids.events" or "max" not in x]
        return Counters.parse(lines)

    def remove(self) -> bool:
        """Kill what is left inside and remove the folders; False where that takes too long."""
        deadline = time.monotonic() + REMOVE_SECONDS
        while left := [folder for folder in self.folders if not _removed(folder)]:
            for folder in left:
                _kill_all(folder)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def make_cgroup(owner: int, limits: SandboxLimits, *, files_bytes: int) -> Cgroup | None:
    """A new group for a sandbox of process `owner`; None where this process may not make one.

    `files_bytes` of files in memory are allowed beside the memory of processes.
    """
    name = f"{PREFIX}{owner}-{start_time(owner) or 0}-{secrets.token_hex(4)}"
    memory = limits.memory_bytes + files_bytes
    quota = int(limits.cpus * CPU_PERIOD)
    made: list[Path] = []
    try:
        if (ROOT / "cgroup.controllers").exists():
            group = Cgroup((ROOT / name,))
            made = _make(group)
            _write(ROOT / name, "memory.max", memory)
            _write(ROOT / name, "pids.max", limits.pids)
            _write(ROOT / name, "cpu.max", f"{quota} {CPU_PERIOD}")
        else:
            group = Cgroup(tuple(parent / name for parent in _parents()))
            made = _make(group)
            pids, ram, cpu = group.folders
            _write(pids, "pids.max", limits.pids)
            _write(ram, "memory.limit_in_bytes", memory)
            _write(cpu, "cpu.cfs_period_us", CPU_PERIOD)
            _write(cpu, "cpu.cfs_quota_us", quota)
    except OSError:
        Cgroup(tuple(made)).remove()
        return None
    return group


def orphan_cgroups() -> dict[str, Cgroup]:
    """Groups of processes that are gone, by name. A group's name says whose it is."""
    parents = [ROOT] if (ROOT / "cgroup.controllers").exists() else list(_parents())
    found: dict[str, list[Path]] = {}
    for folder in (folder for parent in parents for folder in parent.glob(f"{PREFIX}*")):
        pid, started, _ = folder.name.removeprefix(PREFIX).split("-")
        if str(start_time(int(pid))) != started:
            found.setdefault(folder.name, []).append(folder)
    return {name: Cgroup(tuple(folders)) for name, folders in found.items()}


def _parents() -> Iterator[Path]:
    """Where groups of version 1 are made: below our own, so that its limits hold, too."""
    own = dict.fromkeys(CONTROLLERS, "/")
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                own[controller] = path
    for controller in CONTROLLERS:
        folder = ROOT / controller / own[controller].lstrip("/")
        yield folder if folder.is_dir() else ROOT / controller


def _make(group: Cgroup) -> list[Path]:
    made = []
    for folder in group.folders:
        folder.mkdir()
        made.append(folder)
    return made


def _write(folder: Path, name: str, value: object) -> None:
    # Opened without O_CREAT: a controller that is not there must be an error.
    descriptor = os.open(folder / name, os.O_WRONLY)
    try:
        os.write(descriptor, str(value).encode())
    finally:
        os.close(descriptor)


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _kill_all(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for pid in (folder / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
