"""A sandbox in Linux namespaces, made by bubblewrap: no engine, no image, no root needed."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path

from envs.bubblewrapwitness import BubblewrapWitness
from envs.cgroup import Cgroup, make_cgroup
from envs.errors import SandboxError
from envs.lease import Lease, keeper
from envs.namespaces import arguments, sizes
from envs.owner import labels
from envs.sandbox import Owner, SandboxLimits
from envs.session import Session
from envs.stream import PipeStream, Stream
from envs.tree import archive
from tools.workspace import CommandResult, PathKind

PREFIX = "cwm-agent-sandbox-"
OWNER_FILE = "owner.json"
CHANNELS = "/run/cwm-agent"
START_SECONDS = 30.0


class BubblewrapSandbox:
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
        self._process: subprocess.Popen[bytes] | None = None
        self._cgroup: Cgroup | None = None
        self._numbers = count()
        self._session = Session(
            self._connect,
            root=root,
            output_bytes=limits.output_bytes,
            lease=Lease(self._renew, limits),
        )

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
                raise SandboxError(f"{path} is to be shown in the sandbox but does not exist")
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            (self._folder / OWNER_FILE).write_text(json.dumps(labels(self._owner)))
            (self._folder / "channels").mkdir()
            files = sum(sizes(self._root, self._limits).values())
            self._cgroup = make_cgroup(self._owner.pid, self._limits, files_bytes=files)
            self._process = self._start(program, self._folder)
            self._session.open(BubblewrapWitness(self._cgroup))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End every process inside and remove the private folder."""
        self._session.close()
        process, self._process = self._process, None
        if process is not None:
            _end(process)
            assert process.stdout is not None
            with process.stdout as output:
                output.read()  # until process 1, its last holder, has ended
            process.wait()
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
            _end(process)

    def __enter__(self) -> BubblewrapSandbox:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def cwd(self) -> str:
        """See Workspace."""
        return self._session.cwd

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace."""
        return self._session.run(command, timeout=timeout)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._session.control(command, timeout=timeout)

    def run_fresh(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._session.run_fresh(command, timeout=timeout)

    def restart_shell(self, *, cwd: str) -> None:
        """See Sandbox."""
        self._session.restart_shell(cwd=cwd)

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        return self._session.path_kind(path)

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        return self._session.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        self._session.write_file(path, data)

    def put_tree(self, source: str, target: str) -> None:
        """See Sandbox. Unpacked inside, so that no link there can lead a write outside."""
        with tempfile.TemporaryFile() as file:
            archive(Path(source), file, user=0, group=0)
            file.seek(0)
            self._session.unpack(file.read(), target)

    def _start(self, program: str, folder: Path) -> subprocess.Popen[bytes]:
        """Process 1 of the namespaces: the keeper, which starts shells when told to by a line.

        It ends, and everything with it, when its standard input does: that is
        when this process closes it or dies. (PR_SET_PDEATHSIG would instead
        follow the thread that opened the sandbox.)
        """
        command = [program, *self._view(program, folder), *keeper(self._limits)]
        if self._cgroup is not None:
            command = self._cgroup.command(command)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={},
                cwd="/",
                start_new_session=True,
            )
        kibibytes = self._limits.memory_bytes // 1024
        with contextlib.suppress(SandboxError):
            self._tell(
                process,
                f"ulimit -c 0 -v {kibibytes}; ulimit -u {self._limits.pids}; echo ready",
            )
        assert process.stdout is not None
        select.select([process.stdout], [], [], START_SECONDS)
        if process.poll() is not None or process.stdout.readline() != b"ready\n":
            process.kill()
            process.communicate()
            raise SandboxError(self._why(folder), cause="not_available")
        return process

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
        source, output, protocol = (shlex.quote(f"{CHANNELS}/{name}") for name in names)
        try:
            self._tell(process, f"bash --noprofile --norc <{source} >{output} 2>{protocol} &")
        except SandboxError:
            stream.close()
            raise
        return stream

    def _tell(self, process: subprocess.Popen[bytes], line: str) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(f"{self._limits.idle_seconds:.0f} {line}\n".encode())
            process.stdin.flush()
        except (OSError, ValueError) as error:  # a ValueError where `kill` has closed it
            raise SandboxError(
                "the sandbox's first process has ended; open a new sandbox", cause="container_gone"
            ) from error

    def _renew(self, line: bytes) -> None:
        """Write to the keeper; when it reads no more, the next command finds out why."""
        process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # the latter where `kill` closed it
                process.stdin.write(line)
                process.stdin.flush()

    def _why(self, folder: Path) -> str:
        """Why there are no namespaces, from bubblewrap's own words."""
        words = (folder / "log").read_text(errors="replace").strip() or "it gave no reason"
        return (
            f"bubblewrap could not make a sandbox ({words}); where the system forbids user "
            "namespaces, allow them (sysctl kernel.unprivileged_userns_clone=1, or "
            "kernel.apparmor_restrict_unprivileged_userns=0), or start a Docker engine"
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let process 1 read the end of its input, which is its own and that of everything inside."""
    process.kill()
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it ended by itself
        process.stdin.close()


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
