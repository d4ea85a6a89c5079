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

from envs.errors import SandboxError
from envs.owner import labels
from envs.sandbox import Owner, SandboxLimits
from envs.session import Session
from envs.stream import PipeStream, Stream
from envs.tree import archive
from tools.workspace import CommandResult, PathKind

PREFIX = "cwm-agent-sandbox-"
OWNER_FILE = "owner.json"
CHANNELS = "/run/cwm-agent"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = (
    "alternatives", "ca-certificates", "fonts", "gitconfig", "group", "hosts", "inputrc",
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "locale.alias", "magic",
    "mime.types", "nsswitch.conf", "os-release", "passwd", "pki", "profile", "services",
    "protocols", "ssl", "terminfo", "timezone",
)  # fmt: skip
PRIVATE = ("/tmp", "/home", "/root", "/var/tmp", "/run")
START_SECONDS = 30.0


class BubblewrapSandbox:
    """Namespaces over the host's own system folders, read-only, with a private writable root.

    Hidden: the host's files outside the system folders, its processes, its
    environment, and (unless `limits.network`) its network. Everything ends when
    this process does, however it ends.

    What bubblewrap cannot limit: CPU time and disk use; memory in total
    (`limits.memory_bytes` is a limit on the address space of each process); and,
    when the host user is root, the number of processes, because the kernel
    exempts root from RLIMIT_NPROC. Commands use the host's system programs, so
    what is installed there decides what works. Use Docker where that matters.
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
        self._numbers = count()
        self._session = Session(self._connect, root=root, output_bytes=limits.output_bytes)

    def open(self) -> None:
        """Make the namespaces and start the shells; raises SandboxError with the remedy."""
        if self._process is not None:
            return
        program = shutil.which("bwrap")
        if program is None:
            raise SandboxError(
                "bubblewrap is not installed; install it (Debian, Ubuntu: apt install bubblewrap; "
                "Fedora: dnf install bubblewrap) or start a Docker engine"
            )
        for path in self._read_only:
            if not Path(path).exists():
                raise SandboxError(f"{path} is to be shown in the sandbox but does not exist")
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            (self._folder / OWNER_FILE).write_text(json.dumps(labels(self._owner)))
            for name in ("root", "channels"):
                (self._folder / name).mkdir()
            self._process = self._start(program, self._folder)
            self._session.open()
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
        """Process 1 of the namespaces: a bash that starts shells when told to by a line.

        It ends, and everything with it, when its standard input does: that is
        when this process closes it or dies. (PR_SET_PDEATHSIG would instead
        follow the thread that opened the sandbox.)
        """
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, *self._arguments(folder), "bash", "--noprofile", "--norc"],
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
                f"set -m; ulimit -c 0 -v {kibibytes}; ulimit -u {self._limits.pids}; echo ready",
            )
        assert process.stdout is not None
        select.select([process.stdout], [], [], START_SECONDS)
        if process.poll() is not None or process.stdout.readline() != b"ready\n":
            process.kill()
            process.communicate()
            raise SandboxError(self._why(folder))
        return process

    def _arguments(self, folder: Path) -> list[str]:
        arguments = ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-drop", "ALL"]
        arguments += ["--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts"]
        arguments += ["--hostname", "sandbox", "--clearenv"]
        if not self._limits.network:
            arguments.append("--unshare-net")
        for name, value in self._environment.items():
            arguments += ["--setenv", name, value]
        for path in SYSTEM:
            if Path(path).is_symlink():
                arguments += ["--symlink", str(Path(path).readlink()), path]
            else:
                arguments += ["--ro-bind-try", path, path]
        settings = SETTINGS + (("resolv.conf",) if self._limits.network else ())
        for name in settings:
            arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
        for path in PRIVATE:
            arguments += ["--tmpfs", path]
        arguments += ["--proc", "/proc", "--dev", "/dev"]
        for path in self._read_only:
            if not path.startswith("/usr/") and path != "/usr":
                arguments += ["--ro-bind", path, path]
        arguments += ["--ro-bind", str(folder / "channels"), CHANNELS]
        return [*arguments, "--bind", str(folder / "root"), self._root, "--chdir", "/"]

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
            process.stdin.write(line.encode() + b"\n")
            process.stdin.flush()
        except (OSError, ValueError) as error:  # a ValueError where `kill` has closed it
            raise SandboxError(
                "the sandbox's first process has ended; open a new sandbox"
            ) from error

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
