"""A sandbox in Linux namespaces, made by bubblewrap: no engine, no image, no root needed."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from envs.bubblewrap.cgroup import Cgroup, make_cgroup
from envs.bubblewrap.diagnosis import BubblewrapDiagnostics
from envs.bubblewrap.namespaces import arguments, sizes
from envs.bubblewrap.process import BubblewrapProcess, own_bash, start
from envs.errors import SandboxError
from envs.sandbox.archive import archive
from envs.sandbox.base import SessionSandbox
from envs.sandbox.lease import Lease
from envs.sandbox.owner import OWNER_FILE, labels
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.sandbox.session import Session
from envs.shell.keeper import Keeper
from envs.shell.stream import PipeStream, Stream, StreamClosed

PREFIX = "cwm-agent-sandbox-"
CHANNELS = "/run/cwm-agent"
START_SECONDS = 30.0


class BubblewrapSandbox(SessionSandbox):
    """Namespaces over the host's own system folders, read-only, with a private writable root.

    Hidden: the host's files outside the system folders, its processes, its
    environment, and (unless `limits.network`) its network. Everything ends when
    this process does, however it ends. Files lie in memory, in file systems of
    limited size, so nothing of them is left either.

    Where this process may make control groups (as root), memory, processes and
    CPU time are limited in total. Else `limits.memory_bytes` holds for each
    process, and CPU time has no limit. Commands use the host's system programs,
    so what is installed there decides what works.
    """

    kind = "bubblewrap"

    def __init__(
        self,
        *,
        limits: SandboxLimits,
        owner: Owner,
        environment: Mapping[str, str] | None = None,
        read_only_paths: Sequence[str] = (),
        root: str = "/testbed",
    ) -> None:
        """`read_only_paths` are host files or folders that commands see at the same place."""
        self._limits = limits
        self._owner = owner
        self._environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "USER": "root",
            **(environment or {}),
        }
        self._read_only = tuple(dict.fromkeys((sys.base_prefix, sys.prefix, *read_only_paths)))
        self._root = root
        self._folder: Path | None = None
        self._process: BubblewrapProcess | None = None
        self._cgroup: Cgroup | None = None
        self._numbers = count()
        session = Session(
            self._connect,
            self._first,
            root=root,
            output_bytes=limits.output_bytes,
            lease=Lease(self._renew, limits),
        )
        super().__init__(session)

    def open(self) -> None:
        """Make the namespaces and start the shells; raises SandboxError with the remedy.

        So it does for `limits.allowed_hosts`, for which there is no proxy here.
        """
        if self._process is not None:
            return
        if self._limits.allowed_hosts and not self._limits.network:
            raise SandboxError(
                "bubblewrap has no proxy for sandbox.allow_hosts; use --sandbox docker, or leave "
                "the list out",
                cause="not_available",
            )
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError(
                "bubblewrap is not installed; install it (Debian, Ubuntu: apt install bubblewrap; "
                "Fedora: dnf install bubblewrap) or start a Docker engine",
                cause="not_available",
            )
        for path in self._read_only:
            if not Path(path).exists():
                raise SandboxError(f"{path} should be visible in the sandbox but does not exist")
        owned = json.dumps(labels(self._owner))
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            (self._folder / OWNER_FILE).write_text(owned)
            (self._folder / "channels").mkdir()
            files = sum(sizes(self._root, self._limits).values())
            self._cgroup = make_cgroup(self._owner.pid, self._limits, files_bytes=files)
            own_bash(self._folder / "channels")
            self._process = start(
                [program, *self._view(program, self._folder)],
                f"{CHANNELS}/bash",
                self._limits,
                log=self._folder / "log",
                enter=self._cgroup.command if self._cgroup else list,
            )
            self._session.open(BubblewrapDiagnostics(self._cgroup))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every process inside and remove the private folder."""
        self._session.close()
        process, self._process = self._process, None
        if process is not None:
            process.close()
        cgroup, self._cgroup = self._cgroup, None
        if cgroup is not None:
            cgroup.remove()
        folder, self._folder = self._folder, None
        if folder is not None:
            remove_folder(folder)

    def kill(self) -> None:
        """See Sandbox."""
        process = self._process
        if process is not None:
            process.kill()

    def put_tree(self, source: str, target: str) -> None:
        """See Sandbox. Unpacked inside, so that no link there can lead a write outside."""
        with tempfile.TemporaryFile() as file:
            archive(Path(source), file, user=0, group=0)
            file.seek(0)
            self._session.unpack(file.read(), target)

    def _view(self, program: str, folder: Path) -> list[str]:
        return arguments(
            program,
            self._limits,
            environment=self._environment,
            read_only=[*self._read_only, (str(folder / "channels"), CHANNELS)],
            root=self._root,
        )

    def _connect(self) -> Stream:
        """Have process 1 start a bash whose standard descriptors are three named pipes."""
        process, folder = self._process, self._folder
        if process is None or folder is None:
            raise SandboxError("the sandbox is not open")
        number = next(self._numbers)
        names = [f"{number}.{name}" for name in ("input", "output", "protocol")]
        paths = [folder / "channels" / name for name in names]
        for path in paths:
            os.mkfifo(path, 0o600)
        # Without O_NONBLOCK an open would wait for the other end; and a write end needs a reader.
        descriptors = [os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in paths[:1]]
        descriptors += [os.open(path, os.O_RDONLY | os.O_NONBLOCK) for path in paths[1:]]
        stream = PipeStream(*descriptors)
        try:
            process.keeper.spawn(*(f"{CHANNELS}/{name}" for name in names))
        except SandboxError as error:
            stream.close()
            raise SandboxError(
                "the sandbox's first process has ended; open a new sandbox", cause="container_gone"
            ) from error
        return stream

    def _first(self) -> Keeper:
        if self._process is None:
            raise StreamClosed("the sandbox is not open")
        return self._process.keeper

    def _renew(self, seconds: float) -> None:
        process = self._process
        if process is not None:
            process.keeper.renew(seconds)


def remove_folder(folder: Path) -> None:
    """Remove a sandbox's folder, also where a command took its own write permission away."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        folder.chmod(0o700)
        for path, names, _ in os.walk(folder):
            for child in (Path(path, name) for name in names):
                if not child.is_symlink():
                    child.chmod(0o700)  # before the walk descends into it
        shutil.rmtree(folder)
