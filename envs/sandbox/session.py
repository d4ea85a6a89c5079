"""The commands and files of one sandbox, over two shells: the model's and the harness's own."""

from __future__ import annotations

import errno
import os
import posixpath
import shlex
from collections.abc import Callable
from importlib import resources

from envs.errors import SandboxError
from envs.progress import Say, quiet
from envs.sandbox.diagnosis import Diagnosis, Diagnostics
from envs.sandbox.lease import Lease
from envs.shell.call import Finished
from envs.shell.keeper import Keeper
from envs.shell.shell import Shell
from envs.shell.startup import SECONDS as START_SECONDS
from envs.shell.startup import Starter
from envs.shell.stream import Connect, StreamClosed
from tools.workspace import Cause, CommandResult, PathKind

FILE_SECONDS = 120.0
QUIET_SECONDS = 10.0
FILE_BYTES = 256 * 2**20
"""The largest file that is read into memory."""

ERRNO_OF_TEXT = {os.strerror(number): number for number in errno.errorcode}


class Session:
    """Everything that the kinds of sandbox share, given a way to start a bash inside."""

    def __init__(
        self,
        connect: Connect,
        keeper: Callable[[], Keeper],
        *,
        root: str,
        output_bytes: int,
        lease: Lease,
        say: Say = quiet,
    ) -> None:
        self._root = root
        self._output_bytes = output_bytes
        # A control command that runs out of time is signalled from a shell opened for that.
        self._rescuer = Shell(connect, keeper, alone=True)
        self._control = Shell(connect, keeper, home=b"/", helper=lambda: self._rescuer, alone=True)
        self._shell = Shell(
            connect,
            keeper,
            home=os.fsencode(root),
            helper=lambda: self._control,
            disk_exceeded=self._disk_exceeded,
        )
        self._starter = Starter(self._shell, say)
        self._lease = lease
        self._diagnostics: Diagnostics | None = None
        self._diagnosis: Diagnosis | None = None
        self._write_seconds: dict[str, int] = {}
        """The modification time that `write_file` last gave each path (see its script)."""

    def open(self, diagnostics: Diagnostics) -> None:
        """Start both shells; the model's in the root folder, made if it is missing."""
        self._diagnostics = diagnostics
        self._diagnosis = Diagnosis(diagnostics, self._quietly)
        try:
            self._control.open()
        except StreamClosed as error:
            raise SandboxError(
                f"no shell starts in the sandbox ({error}); it needs bash 4.4 and coreutils",
                cause="shell_unusable",
            ) from error
        self._harness(f"mkdir -p -- {shlex.quote(self._root)}")
        self._shell.open()

    def close(self) -> None:
        """Hang up both."""
        for shell in (self._shell, self._control, self._rescuer):
            shell.close()

    @property
    def cwd(self) -> str:
        """Where the model's shell stands."""
        return self._shell.cwd.decode("utf-8", "replace")

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace."""
        self._start()
        with self._lease.command(timeout):
            finished = self._shell.execute(
                command.encode("utf-8", "replace"), timeout=timeout, limit=self._output_bytes
            )
        cause = finished.cause
        if self._diagnosis is not None:
            cause = self._diagnosis.cause(finished)
        return _result(finished, self.cwd, cause)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        return self._fresh(f"{_OWN_VARIABLES}\n{command}", timeout)

    def _fresh(self, command: str, timeout: float) -> CommandResult:
        with self._lease.command(timeout):
            self._revive()
            finished = self._control.execute(
                _isolated(command, self._root), timeout=timeout, limit=self._output_bytes
            )
        return _result(finished, self._root, self._lost() if finished.ending == "lost" else None)

    def run_fresh(self, command: str, *, timeout: float) -> CommandResult:
        """See Sandbox."""
        self._start()
        return self._fresh(self._starter.begin(command), timeout)

    def restart_shell(self, *, cwd: str) -> None:
        """See Sandbox."""
        try:
            self._shell.restart(os.fsencode(cwd))
        except SandboxError as error:
            raise SandboxError(str(error), cause=self._lost()) from error

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        finished = self._harness(
            f"p={self._quoted(path)}; if [[ -f $p ]]; then echo file; "
            "elif [[ -d $p ]]; then echo directory; "
            "elif [[ -e $p ]]; then echo other; else echo missing; fi",
        )
        kinds: dict[bytes, PathKind] = {
            b"file\n": "file",
            b"directory\n": "directory",
            b"missing\n": "missing",
        }
        return kinds.get(finished.output, "other")

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        finished = self._harness(
            f"p={self._quoted(path)}; "
            'if [[ -d $p ]]; then echo "$p: Is a directory"; exit 1; fi; '
            'if [[ -e $p && ! -f $p ]]; then echo "$p: Invalid argument"; exit 1; fi; '
            'cat <"$p"',
            path=path,
            limit=FILE_BYTES,
        )
        if finished.dropped:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return finished.output

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        script = resources.files("envs").joinpath("scripts", "write_file.sh").read_text()
        target = self._quoted(path)
        last = self._write_seconds.get(target, 0)
        finished = self._harness(
            f"set -- {target} {len(data)} {last}\n{script}", path=path, payload=data
        )
        if finished.output:  # nothing when it was written in place
            self._write_seconds[target] = int(finished.output)

    def make_folder(self, path: str) -> tuple[str, int, int]:
        """Make the folder where it is missing; its absolute path, and who we are inside."""
        finished = self._harness(f"mkdir -p -- {self._quoted(path)} && id -u && id -g", path=path)
        user, group = finished.output.split()
        return posixpath.join(self.cwd, path), int(user), int(group)

    def unpack(self, archive: bytes, target: str) -> None:
        """Unpack a tar archive into the folder `target`, made if it is missing."""
        folder = self._quoted(target)
        self._harness(
            f"mkdir -p -- {folder}; head -c {len(archive)} </proc/$PPID/fd/0 | "
            f"{{ tar -x --no-same-owner -C {folder} -f - || {{ cat >/dev/null; false; }}; }}",
            path=target,
            payload=archive,
        )

    def _quoted(self, path: str) -> str:
        """The path as a shell word, taken from the folder of the model's shell."""
        if not path or "\0" in path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        cwd = os.fsdecode(self._shell.cwd)
        return shlex.quote(posixpath.join(cwd, path))

    def _harness(
        self, script: str, *, path: str = "", limit: int = 64 * 1024, payload: bytes = b""
    ) -> Finished:
        """Run a file operation in the control shell; raises OSError or SandboxError."""
        with self._lease.command(FILE_SECONDS):
            self._revive()
            finished = self._control.execute(
                _isolated(f"{_OWN_VARIABLES}\n{script}", "/"),
                timeout=FILE_SECONDS,
                limit=limit,
                payload=payload,
            )
        if finished.ending != "exited":
            raise SandboxError(
                f"a file operation in the sandbox did not finish ({finished.ending}); "
                "open a new sandbox",
                cause=self._lost() if finished.ending == "lost" else "shell_unusable",
            )
        if finished.exit_code != 0:
            raise _os_error(finished.output, path)
        return finished

    def _start(self) -> None:
        """Have the model's shell begin, where it is a new one."""
        if self._starter.due:
            with self._lease.command(START_SECONDS):
                self._starter.enter()

    def _revive(self) -> None:
        """The control shell again, for a command may have killed every process inside."""
        try:
            self._control.revive()
        except SandboxError as error:
            raise SandboxError(str(error), cause=self._lost()) from error

    def _lost(self) -> Cause:
        return self._diagnostics.gone() if self._diagnostics else "container_gone"

    def _disk_exceeded(self) -> bool:
        return self._diagnostics is not None and self._diagnostics.disk_exceeded()

    def _quietly(self, script: str) -> bytes:
        """The output of a script in the control shell, b"" where it cannot be had."""
        try:
            self._control.revive()
        except SandboxError:
            return b""
        return self._control.execute(
            _isolated(f"{_OWN_VARIABLES}\n{script}", "/"), timeout=QUIET_SECONDS
        ).output


_OWN_VARIABLES = (
    "for name in ${!GIT_@}; do [[ $name == GIT_EXEC_PATH ]] || unset -v $name; done; "
    "unset -v name LD_PRELOAD"
)
"""An image's GIT_DIR or GIT_TRACE is for its own programs: it would bend what the harness does."""


def _isolated(command: str, folder: str) -> bytes:
    """`command` in a subshell of the control shell, so that one leaves nothing to the next."""
    inner = f"(cd -- {shlex.quote(folder)} 2>/dev/null || cd /; eval {shlex.quote(command)})"
    return inner.encode("utf-8", "surrogateescape")


NOT_FOUND = ": command not found"


def _os_error(output: bytes, path: str) -> OSError:
    """The OSError of the kind that a coreutils or bash message ends with (C locale)."""
    lines = output.decode("utf-8", "replace").strip().splitlines() or ["unknown error"]
    for line in lines:
        number = ERRNO_OF_TEXT.get(line.rsplit(": ", 1)[-1])
        if number is not None:
            return OSError(number, os.strerror(number), path)
    said = lines[-1]
    if said.endswith(NOT_FOUND):
        program = said.removesuffix(NOT_FOUND).rsplit(" ", 1)[-1]
        said = f"the sandbox lacks the program {program}: its image needs bash 4.4 and coreutils"
    return OSError(errno.EIO, said, path)


def _result(finished: Finished, cwd: str, cause: Cause | None) -> CommandResult:
    output = finished.output.decode("utf-8", "replace")
    valid = finished.output.decode("utf-8", "ignore")
    return CommandResult(
        output=output,
        exit_code=finished.exit_code,
        ending=finished.ending,
        seconds=finished.seconds,
        cwd=cwd,
        dropped_bytes=finished.dropped,
        queued=finished.queued,
        cause=cause,
        programs=finished.programs,
        clean_output=None if len(valid) == len(output) else valid,
    )
