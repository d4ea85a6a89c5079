"""The published session: a bash that reads commands, and whatever they leave unread, from a pipe.

After each command the published environment sends two lines more, which keep
the exit code and print a mark; what came before the mark is the output. It is
played here as it is, inside a sandbox's own shell, because the model was
trained on all that follows from it: errors are numbered by the lines sent so
far, a syntax error ends the session, an open quote or a program that reads
standard input swallows the mark and runs into the time limit, and `$?` is
always that of an `echo`.

Protocol: cwm/rl/swerl/remote/session.py of facebookresearch/cwm (7930e02).
"""

from __future__ import annotations

import shlex
import time
from dataclasses import replace
from importlib import resources

from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox
from tools.workspace import CommandResult, PathKind

MARK = "<<exit>1"
_AFTER = '__EXIT_CODE__=$?\necho "<<exit>$((1))"\n'
_ASK = "echo $__EXIT_CODE__"
START_LINES = 12
"""Lines of the published start script; ours is filled up, so that numbers agree."""
START_SECONDS = 120.0
ASK_SECONDS = 30.0
OUTPUT_BYTES = 480 * 1024
"""More than this ends the session, whatever it is still about to print."""
_LAST_LINE = f"/{MARK}$/q; /^<<ended>$/q"  # the latter from scripts/published.sh
_PUMP = f"dd bs=4096 count={OUTPUT_BYTES + 1} iflag=count_bytes status=none"
_READ = (
    f"exec 9< <(printf '%s\\n' \"$BASHPID\"; exec {_PUMP} <&8); read -r pump <&9; "
    f"LC_ALL=C sed -u '{_LAST_LINE}' <&9; kill $pump; cat <&9 >/dev/null"  # until it is gone
)
"""Passes output on to the last line, or to the byte too many, and takes nothing beyond."""
_LIMIT_KIBIBYTES = 12 * 1024 * 1024
_LIMIT_PROCESSES = 65536
_TICKS_PER_SECOND = 100  # USER_HZ
_BASHRC = (
    f"source ~/.bashrc && ulimit -v {_LIMIT_KIBIBYTES} && "
    f"ulimit -d {_LIMIT_KIBIBYTES} && ulimit -u {_LIMIT_PROCESSES}"
)
_NO_BASHRC = _BASHRC.removeprefix("source ~/.bashrc && ")


class PublishedSession:
    """A workspace whose commands run in the published session; files are the sandbox's own.

    Whatever ends the session (see `run`) is followed by a fresh one.
    """

    def __init__(self, sandbox: Sandbox, root: str) -> None:
        """Fresh sessions stand in `root`. Call `begin` once the sandbox is open."""
        self._sandbox = sandbox
        self._root = root
        self._pid = 0

    def begin(self, cwd: str) -> None:
        """Start a session in `cwd`; raises SandboxError.

        An image whose .bashrc hangs or exits would have no session at all, so
        that one is begun again without it.
        """
        if not self._begin(_BASHRC, cwd):
            self._sandbox.restart_shell(cwd=cwd)
            if not self._begin(_NO_BASHRC, cwd):
                raise SandboxError(
                    "the published session does not start; it needs /bin/bash and sed in the image",
                    cause="shell_unusable",
                )

    @property
    def cwd(self) -> str:
        """Where the session stands, symbolic links resolved."""
        return self._sandbox.cwd

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """See Workspace. Any ending but "exited", and too much output, costs the session."""
        began = time.monotonic()
        result = self._exchange(command.rstrip() + "\n", timeout)
        if result.ending == "lost":
            return result
        output = _before_mark(result.output)
        if result.ending == "exited" and output is not None and not result.dropped_bytes:
            clean = result.clean_output and _before_mark(result.clean_output)
            return replace(result, output=output, clean_output=clean, exit_code=self._exit_code())
        if result.ending == "exited" and not result.dropped_bytes:
            result = replace(result, ending="shell_ended")
        self._end(time.monotonic() - began)
        self._sandbox.restart_shell(cwd=self._root)
        self.begin(self._root)
        return replace(result, exit_code=None, cwd=self.cwd)

    def pass_over(self, body: str) -> None:
        """Count the lines of an edit or create call, which the published plugins send through.

        They come as a command, a here-document of the body, and its delimiter.
        """
        self._exchange("\n" * (body.count("\n") + 3), ASK_SECONDS)
        self._exit_code()

    def path_kind(self, path: str) -> PathKind:
        """See Workspace."""
        return self._sandbox.path_kind(path)

    def read_file(self, path: str) -> bytes:
        """See Workspace."""
        return self._sandbox.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        """See Workspace."""
        self._sandbox.write_file(path, data)

    def _begin(self, start: str, cwd: str) -> bool:
        script = resources.files("envs").joinpath("scripts", "published.sh").read_text()
        started = self._sandbox.run(script, timeout=START_SECONDS)
        pid = started.output.strip()
        if started.ending != "exited" or not pid.isdecimal():
            return False
        self._pid = int(pid)
        filling = "\n" * (START_LINES - 1)
        answer = self._exchange(f"{start}{filling}cd -- {shlex.quote(cwd)}\n", START_SECONDS)
        return answer.ending == "exited" and _before_mark(answer.output) is not None

    def _exchange(self, lines: str, timeout: float) -> CommandResult:
        """Send lines and the two that follow them; the output runs to the mark that ends a line.

        (Earlier marks on their own, as `set -x` prints one, lead to a race in the original.)
        The sandbox's shell then stands where the session does.
        """
        return self._sandbox.run(
            f"printf %s {shlex.quote(lines + _AFTER)} >&7 2>/dev/null; ({_READ}) 2>/dev/null; "
            f'cd -P "/proc/{self._pid}/cwd" 2>/dev/null',
            timeout=timeout,
        )

    def _exit_code(self) -> int | None:
        """What the published client asks for after each command; None where it gets no number."""
        answer = self._exchange(f"{_ASK}\n", ASK_SECONDS)
        try:
            return int(_before_mark(answer.output) or "")
        except ValueError:
            return None

    def _end(self, seconds: float) -> None:
        """End the session and what its last command, of so many seconds, started."""
        script = resources.files("envs").joinpath("scripts", "interrupt.sh").read_text()
        ticks = int((seconds + 1.0) * _TICKS_PER_SECOND)
        self._sandbox.control(f"set -- {self._pid} {ticks} KILL\n{script}", timeout=ASK_SECONDS)


def _before_mark(output: str) -> str | None:
    """What a command printed; None where the mark did not come."""
    before, mark, _ = output.rpartition(MARK)
    return before if mark else None
