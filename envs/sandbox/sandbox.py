"""The sandbox protocol: a place that runs commands and can be thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from envs.sandbox.allowed_hosts import AllowedHost
from tools.workspace import CommandResult, Workspace


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What one sandbox may use. Bytes and seconds.

    It ends by itself `lifetime_seconds` after its start, `idle_seconds` after
    its last command, and `watchdog_seconds` after a command's time limit when
    nobody stopped that command. Where our process dies it ends at once.
    `allowed_hosts` can be reached where there is no `network`, through a proxy.
    """

    memory_bytes: int = 4 * 2**30
    pids: int = 512
    cpus: float = 2.0
    disk_bytes: int = 10 * 2**30
    output_bytes: int = 480 * 1024
    network: bool = False
    allowed_hosts: tuple[AllowedHost, ...] = ()
    idle_seconds: float = 6 * 3600.0
    lifetime_seconds: float = 48 * 3600.0
    watchdog_seconds: float = 180.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a sandbox belongs to; written on it so that orphans can be found and removed."""

    run: str
    instance: str
    sample: int
    pid: int
    boot_id: str


class Sandbox(Workspace, Protocol):
    """A workspace with a life cycle. `open` and `close` are idempotent; use as context manager."""

    @property
    def kind(self) -> str:
        """ "docker" or "bubblewrap"."""

    def open(self) -> None:
        """Create it and start the shell; raises SandboxError with the remedy."""

    def close(self) -> None:
        """Remove everything it made."""

    def kill(self) -> None:
        """End every process inside, from any thread: what runs there ends as lost.

        The thread that uses the sandbox still closes it.
        """

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """Run a harness command in a clean shell, apart from the model's shell state."""

    def run_fresh(self, command: str, *, timeout: float) -> CommandResult:
        """Run a command as `control` does, but in the environment of the model's shells.

        That is the one which `~/.bashrc` sets up: what needs the task's Python runs here.
        """

    def restart_shell(self, *, cwd: str) -> None:
        """Give the model a fresh shell; files and background processes stay."""

    def put_tree(self, source: str, target: str) -> None:
        """Copy a local folder into the sandbox (mode bits, symlinks, empty folders kept)."""

    def __enter__(self) -> Sandbox: ...

    def __exit__(self, *exc: object) -> None: ...
