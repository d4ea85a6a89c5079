"""What a bubblewrap sandbox sees of the host, as bubblewrap's arguments."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from envs.sandbox.sandbox import SandboxLimits

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "alternatives", "ca-certificates", "fonts", "gitconfig", "group", "hosts", "inputrc",
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "locale.alias", "magic",
    "mime.types", "nsswitch.conf", "os-release", "passwd", "pki", "profile", "services",
    "protocols", "ssl", "terminfo", "timezone",
)  # fmt: skip
READ_ONLY_PROC = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
HIDDEN_PROC = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
)  # fmt: skip
PRIVATE = ("/", "/tmp", "/home", "/root", "/var/tmp", "/run", "/dev/shm")
"""Writable file systems in memory. The first holds what else can be written, as /etc and /var."""


def arguments(
    program: str,
    limits: SandboxLimits,
    *,
    environment: Mapping[str, str],
    read_only: Sequence[str | tuple[str, str]],
    root: str,
) -> list[str]:
    """All of them. `read_only` are paths on the host, with the place inside where it differs."""
    words = ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-drop", "ALL"]
    words += ["--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts"]
    if _can_forbid_namespaces(program):
        words.append("--disable-userns")
    words += ["--unshare-cgroup-try", "--hostname", "sandbox", "--clearenv"]
    if not limits.network:
        words.append("--unshare-net")
    private = sizes(root, limits)
    words += ["--size", str(private["/"]), "--tmpfs", "/"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    for path in SYSTEM:
        if Path(path).is_symlink():
            words += ["--symlink", str(Path(path).readlink()), path]
        else:
            words += ["--ro-bind-try", path, path]
    settings = SETTINGS + (("resolv.conf",) if limits.network else ())
    for name in settings:
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    words += ["--proc", "/proc", "--dev", "/dev", *_guard_proc()]
    # The root last but for the read-only paths: /tmp may be the root itself.
    for path in PRIVATE[1:]:
        words += ["--size", str(private[path]), "--tmpfs", path]
    words += ["--remount-ro", "/dev"]  # its devices and /dev/shm are mounts of their own
    if root not in PRIVATE:
        words += ["--size", str(private[root]), "--tmpfs", root]
    for shown in read_only:
        source, target = (shown, shown) if isinstance(shown, str) else shown
        if not source.startswith("/usr/") and source != "/usr":
            words += ["--ro-bind", source, target]
    return [*words, "--chdir", "/"]


def _guard_proc() -> list[str]:
    """The kernel's switches read-only, its secrets out of sight.

    Needed where the host user is root: to the kernel he is still root when he
    writes to /proc/sys, whatever capabilities he has lost.
    """
    words: list[str] = []
    for path in map(Path, READ_ONLY_PROC):
        if path.exists():
            words += ["--ro-bind", str(path), str(path)]
    for path in map(Path, HIDDEN_PROC):
        if path.is_dir():
            words += ["--size", "4096", "--tmpfs", str(path), "--remount-ro", str(path)]
        elif path.exists():
            words += ["--ro-bind", "/dev/null", str(path)]
    return words


@cache
def _can_forbid_namespaces(program: str) -> bool:
    """Whether this bubblewrap (0.8 or newer) can forbid further user namespaces inside."""
    done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in done.stdout


def sizes(root: str, limits: SandboxLimits) -> dict[str, int]:
    """The file systems in memory and their sizes: the disk limit, as far as memory goes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    share = min(limits.disk_bytes, memory // 4)
    return {**dict.fromkeys(PRIVATE, share // len(PRIVATE)), root: share}
