"""A persistent bash over one byte stream.

A supervisor (scripts/supervisor.sh) keeps one shell running; the shell reads a
command, runs it with standard input closed and both outputs on the output
channel, and only then reads a random token, which it writes behind the output
and, with exit code and folder, on the protocol channel. A command cannot forge
an ending, because the token arrives after it.

Needs bash 4.4 or newer and coreutils where it runs, and a mounted /proc.
"""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable
from importlib import resources

from envs.errors import SandboxError
from envs.framing import HeadTail, Records, UntilToken
from envs.shellcall import QUEUE_SECONDS, Call, Finished
from envs.stream import Connect, Stream, StreamClosed

START_SECONDS = 30.0
HELPER_SECONDS = 5.0
"""How long the shell that signals may take to begin."""
WATCH_SECONDS = 1.0
"""How often a running command is looked at."""
GRACE_SECONDS = 2.0
"""How long a command has after SIGTERM, and again after SIGKILL, to be over."""
LATE_OUTPUT_SECONDS = 30.0
"""How long the output of a finished command may take to arrive."""
TICKS_PER_SECOND = 100  # USER_HZ, the unit of /proc/PID/stat on Linux
SLACK_TICKS = 2
DEFAULT_LIMIT = 480 * 1024


class Shell:
    """One shell that outlives its commands. Not for several threads at once."""

    def __init__(
        self,
        connect: Connect,
        *,
        home: bytes = b"/",
        helper: Callable[[], Shell] | None = None,
        disk_exceeded: Callable[[], bool] | None = None,
    ) -> None:
        """`connect` starts a bash in the sandbox; a fresh shell starts in `home`.

        `helper` gives another shell in the same sandbox, which signals this
        one's commands when they run out of time; without it the shell is given
        up then, and its commands with it. While a command runs `disk_exceeded`
        is asked whether it must be stopped.
        """
        self._connect = connect
        self._home = home
        self._helper = helper
        self._disk_exceeded = disk_exceeded
        self._stream: Stream | None = None
        self._records = Records()
        self._start_token = b""
        self._early = b""
        self.pid = 0
        self.cwd = b"/"

    def open(self, cwd: bytes | None = None) -> None:
        """Start a fresh shell in `cwd` (or / where that is missing); raises SandboxError."""
        self.close()
        self._stream = self._connect()
        self._records = Records()
        self._early = b""
        self._stream.send(_program())
        self._begin(self._home if cwd is None else cwd)

    def close(self) -> None:
        """Hang up; the shell ends by itself when it next reads."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def execute(
        self,
        command: bytes,
        *,
        timeout: float,
        limit: int = DEFAULT_LIMIT,
        payload: bytes = b"",
        queue: float = QUEUE_SECONDS,
    ) -> Finished:
        """Run `command`; `payload` follows it on the shell's stream for the command to read.

        `timeout` is its run time, which begins when the shell takes it up; that
        may take `queue` seconds.

        Never raises for what the command does. Ending "lost" means that no
        shell can be had any more; after every other one the next call works.
        """
        call = Call(limit, timeout=timeout, queue=queue)
        try:
            if self._stream is None:
                raise StreamClosed("the shell is not open")
            call.output.feed(self._early)
            self._early = b""
            self._stream.send(command.replace(b"\0", b"") + b"\0" + payload + call.token + b"\0")
            if not self._await(call):
                self._stop(call)
            if call.ended:
                self._begin(self._home_after(call), call)
            else:
                self._early = call.scanner.rest
        except StreamClosed:
            self._reconnect(call)
        return call.finished()

    def revive(self, *, patience: float = START_SECONDS) -> None:
        """Open it where it is not, or was killed since its last call; raises SandboxError."""
        if self._stream is None:
            self.open()
        elif self.execute(b":", timeout=patience, queue=patience).ending == "lost":
            raise SandboxError("the sandbox is gone; open a new one", cause="container_gone")

    def restart(self, cwd: bytes) -> None:
        """A fresh shell in `cwd`; background processes stay. Raises SandboxError."""
        try:
            kill = f"kill -s KILL {self.pid}".encode()
            self._revived_helper().execute(kill, timeout=GRACE_SECONDS)
            call = Call(0, timeout=GRACE_SECONDS)
            if self._await(call, call.sent + GRACE_SECONDS) and call.ended:
                self._begin(cwd)
                return
        except StreamClosed:
            pass
        self.open(cwd)

    def _begin(self, cwd: bytes, call: Call | None = None) -> None:
        """Have the supervisor start a shell; what comes before its token belongs to `call`."""
        assert self._stream is not None
        token = secrets.token_urlsafe(8).encode()
        self._stream.send(b"start " + token + b" " + cwd + b"\0")
        scanner = UntilToken(token)
        output = call.output if call else HeadTail(0)
        if call:
            output.feed(call.scanner.flush())
        self.pid = 0
        deadline = time.monotonic() + START_SECONDS
        while not (scanner.found and self.pid):
            piece = self._stream.receive(deadline - time.monotonic())
            if piece is None and time.monotonic() > deadline:
                raise StreamClosed("no shell started in time")
            if piece and piece[0] == "output":
                output.feed(scanner.feed(piece[1]))
            elif piece:
                for record in self._records.feed(piece[1]):
                    kind, _, pid = record.partition(b" ")
                    self.pid = int(pid) if kind == b"hello" else self.pid
        self._start_token, self._early, self.cwd = token, scanner.rest, cwd

    def _await(self, call: Call, until: float | None = None) -> bool:
        """Receive until the call is over (True), or its own deadline or `until` has passed."""
        assert self._stream is not None
        while not call.over:
            if until is None and self._overruns(call):
                return False
            deadline = call.deadline if until is None else until
            piece = self._stream.receive(min(deadline - time.monotonic(), WATCH_SECONDS))
            if piece is None and time.monotonic() >= deadline:
                if not call.done or call.late:
                    return False
                call.late = True  # it ended in time; only its output is still under way
                until = time.monotonic() + LATE_OUTPUT_SECONDS
            elif piece and piece[0] == "output":
                call.output.feed(call.scanner.feed(piece[1]))
            elif piece:
                for record in self._records.feed(piece[1]):
                    self._take(record, call)
        return True

    def _overruns(self, call: Call) -> bool:
        """Whether the running command must be stopped before its time."""
        if call.done or self._disk_exceeded is None or not self._disk_exceeded():
            return False
        call.disk_full = True
        return True

    def _take(self, record: bytes, call: Call) -> None:
        """Act on a record; whatever else wrote to the channel is passed over."""
        if record == b"begin " and call.begun is None:
            call.begun = time.monotonic()
        done = record.find(call.token + b" done ")
        if done >= 0:
            _, _, code, cwd = record[done:].split(b" ", 3)
            call.exit_code, call.done = int(code), True
            if cwd:
                self.cwd = cwd.removesuffix(b"\n")
        elif record.startswith(self._start_token + b" ended "):
            call.exit_code, call.ended = int(record.split(b" ")[2]), True

    def _stop(self, call: Call) -> None:
        """End a command that ran out of time, keeping the shell if it lets us."""
        call.stopped = True
        for signal, also_shell in (("TERM", False), ("KILL", False), ("KILL", True)):
            self._signal(signal, call, also_shell=also_shell)
            if self._await(call, time.monotonic() + GRACE_SECONDS):
                # Once more: what ignored the first, or was just being forked, outlived it.
                self._signal("KILL", call, also_shell=False)
                return
        raise StreamClosed("a command could not be stopped")

    def _signal(self, signal: str, call: Call, *, also_shell: bool) -> None:
        """Signal what the running command has started, and note what that was."""
        helper = self._revived_helper()
        ticks = int((time.monotonic() - call.sent) * TICKS_PER_SECOND) + SLACK_TICKS
        script = f"set -- {self.pid} {ticks} {signal}\n{_script('interrupt.sh')}"
        if also_shell:
            script += f"\nkill -s KILL {self.pid}"
        done = helper.execute(script.encode(), timeout=GRACE_SECONDS * 2)
        call.programs.update(done.output.decode("ascii", "ignore").split())

    def _revived_helper(self) -> Shell:
        """The shell that signals for this one; raises StreamClosed when there is none."""
        if self._helper is None:
            raise StreamClosed("this shell's commands cannot be signalled")
        helper = self._helper()
        try:
            helper.revive(patience=HELPER_SECONDS)
        except SandboxError as error:
            raise StreamClosed("the sandbox cannot be reached to stop a command") from error
        return helper

    def _home_after(self, call: Call) -> bytes:
        """Where a shell that replaces the ended one starts."""
        return self.cwd if call.stopped else self._home

    def _reconnect(self, call: Call) -> None:
        """Replace a broken stream; the call is lost with the sandbox when that fails."""
        call.output.feed(call.scanner.flush())
        try:
            self.open(self._home_after(call))
            call.ended, call.exit_code = True, None
        except SandboxError:
            self.close()
            call.lost = True


def _script(name: str) -> str:
    return resources.files("envs").joinpath("scripts", name).read_text()


def _program() -> bytes:
    """The supervisor, with the loop it gives to each shell."""
    loop = shlex.quote(_script("loop.sh"))
    return f"SHELL_LOOP={loop}\n{_script('supervisor.sh')}".encode()
