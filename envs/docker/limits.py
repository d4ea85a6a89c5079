"""What a container may do and use: the settings that it is created with."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from envs.sandbox.sandbox import SandboxLimits
from envs.shell.keeper import PLAIN, command_line

if TYPE_CHECKING:
    from docker import DockerClient

CPU_PERIOD = 100_000
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""What root keeps inside: to deal with the files and processes of the container's other users, and
to become one of them. Tests do so, and a repository may belong to another user. All concern only
what is in the container; docs/security.md says why the engine's others are left out."""
KEEPER_FOLDER = "/run/cwm-agent"
KEEPER_BYTES = 8 * 2**20
"""Room for one copy of bash; static builds take about 2 MiB."""
QUOTA_DRIVERS = frozenset({"btrfs", "zfs"})


def walls(limits: SandboxLimits, *, quota: bool) -> dict[str, Any]:
    """Keywords of `containers.create`; with `quota` the storage keeps the limit on disk."""
    from docker.types import LogConfig, Ulimit

    return {
        "stdin_open": True,
        "auto_remove": True,
        # No layer of an image shall hold the keeper's bash.
        "tmpfs": {KEEPER_FOLDER: f"exec,mode=1777,size={KEEPER_BYTES}"},
        "healthcheck": {"test": ["NONE"]},  # a program of the image, started from outside
        "stop_signal": "SIGKILL",  # the first process heeds no other
        "network_mode": "bridge" if limits.network else "none",
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": ["no-new-privileges"],
        "mem_limit": limits.memory_bytes,
        "memswap_limit": limits.memory_bytes,
        "pids_limit": limits.pids,
        # Not nano_cpus: an engine refuses more of those than it has itself.
        "cpu_period": CPU_PERIOD,
        "cpu_quota": int(limits.cpus * CPU_PERIOD),
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="fsize", soft=limits.disk_bytes, hard=limits.disk_bytes),
        ],
        "storage_opt": {"size": str(limits.disk_bytes)} if quota else None,
        "log_config": LogConfig(type="none"),
    }


def entry(limits: SandboxLimits) -> list[str]:
    """The command line of a container's first process."""
    script = resources.files("envs").joinpath("scripts", "container.sh").read_text()
    bash = ["bash", *PLAIN, "-c", script, "keeper"]
    return [*bash, KEEPER_FOLDER, *command_line(limits.idle_seconds, limits.lifetime_seconds)]


def has_quotas(client: DockerClient) -> bool:
    """Whether the engine's storage may keep a size limit for each container."""
    facts = client.info()
    driver, status = facts.get("Driver"), dict(facts.get("DriverStatus") or ())
    on_xfs = driver == "overlay2" and status.get("Backing Filesystem") == "xfs"
    return driver in QUOTA_DRIVERS or on_xfs
