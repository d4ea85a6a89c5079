"""Whether the process that owns a sandbox or a folder still lives."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from envs.sandbox.sandbox import Owner

LABEL = "cwm-agent."
OWNER_FILE = "owner.json"
"""Names the owner of a folder, inside of it."""
SCRATCH = "cwm-agent-scratch-"
"""How names of scratch folders begin."""


def boot_id() -> str:
    """A random name of this boot of the machine; "" where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is no such process.

    Field 22 of /proc/PID/stat (man 5 proc). With the boot id it names a process
    for good, while a pid alone may have been given to another.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def labels(owner: Owner) -> dict[str, str]:
    """What is written on everything that `owner` makes, to find it again."""
    return {
        f"{LABEL}run": owner.run,
        f"{LABEL}instance": owner.instance,
        f"{LABEL}sample": str(owner.sample),
        f"{LABEL}pid": str(owner.pid),
        f"{LABEL}pid-namespace": _pid_namespace(),
        f"{LABEL}host": platform.node(),
        f"{LABEL}boot": owner.boot_id,
        f"{LABEL}owner-start-time": str(start_time(owner.pid) or 0),
    }


def is_gone(labels: Mapping[str, str]) -> bool:
    """Whether the process that `labels` names surely runs no more.

    What another machine on the same engine owns, or another process namespace
    of this one (a harness in a container), cannot be judged and is not gone.
    """
    if labels.get(f"{LABEL}host") != platform.node() or not labels.get(f"{LABEL}boot"):
        return False
    if labels[f"{LABEL}boot"] != boot_id():
        return True
    if labels.get(f"{LABEL}pid-namespace") != _pid_namespace():
        return False
    pid = labels.get(f"{LABEL}pid", "")
    return not pid.isdigit() or str(start_time(int(pid))) != labels.get(f"{LABEL}owner-start-time")


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A temporary folder of this process, removed by a sweep where the process is killed."""
    owned = json.dumps(labels(Owner("", "", 0, os.getpid(), boot_id())))
    folder = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{purpose}-"))
    try:
        (folder / OWNER_FILE).write_text(owned)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pid_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
