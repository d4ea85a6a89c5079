"""A persistent bash over one byte stream.

A supervisor (scripts/supervisor.sh) keeps one shell running; the shell reads a
command and runs it with standard input closed and both outputs on the output
channel. Then it draws a random mark, takes it and the exit code for its own name
(/proc/PID/comm), and writes the mark behind the output. The streams can be read and
written by all that runs in the sandbox; the name of a process only by itself. So
whatever arrives is believed after the keeper has read the name.

Needs bash 4.4 or newer and coreutils where it runs, and a mounted /proc.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from envs.errors import SandboxError
from envs.shell.call import END_BYTES, QUEUE_SECONDS, Call, Finished
from envs.shell.framing import HeadTail, Records, UntilToken
from envs.shell.keeper import Keeper
from envs.shell.start import program, random_name, script, signed, told_until
from envs.shell.stream import Connect, Stream, StreamClosed

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
        keeper: Callable[[], Keeper],
        *,
        home: bytes = b"/",
        helper: Callable[[], Shell] | None = None,
        disk_exceeded: Callable[[], bool] | None = None,
        alone: bool = False,
    ) -> None:
        """`connect` starts a bash in the sandbox; a fresh shell starts in `home`.

        `keeper` gives the sandbox's first process; it raises StreamClosed.
        `helper` gives another shell in the same sandbox, which signals this
        one's commands when they run out of time; without it the shell is given
        up then, and its commands with it. While a command runs `disk_exceeded`
        is asked whether it must be stopped. Who is `alone` starts nothing in the
        background: what is written between two commands is not theirs, and dropped.
        """
        self._connect = connect
        self._keeper = keeper
        self._home = home
        self._helper = helper
        self._disk_exceeded = disk_exceeded
        self._alone = alone
        self._stream: Stream | None = None
        self._records = Records()
        self._key = self._mark = self._start = self._end = b""
        self._early = b""
        self._supervisor = 0
        self.pid = 0
        self.cwd = b"/"

    def open(self, cwd: bytes | None = None) -> None:
        """Start a fresh shell in `cwd` (or / where that is missing); raises SandboxError."""
        self.close()
        self._stream = self._connect()
        self._records = Records()
        self._early = b""
        self._key, self._mark = random_name(), random_name()
        visit = random_name()
        self._stream.send(program(KEY=self._key, MARK=self._mark, VISIT=visit))
        self._meet(visit)
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
        opening = random_name() if self._alone else b""
        call = Call(self._mark, limit, timeout=timeout, queue=queue, opening=opening)
        try:
            if self._stream is None:
                raise StreamClosed("the shell is not open")
            self._take_output(self._early, call)
            self._early = b""
            self._keeper().grant(self._end)
            if opening:
                command = b"printf %s " + opening + b"; " + command
            self._send(self._end + call.name + command.replace(b"\0", b""), payload)
            if not self._await(call):
                self._stop(call)
            if call.ended:
                self._begin(self._home_after(call), call)
            else:
                self._early = call.scanner.rest
        except StreamClosed:
            self._reconnect(call)
        return call.finished()

    def revive(self, *, timeout: float = START_SECONDS) -> None:
        """Open it where it is not, or was killed since its last call; raises SandboxError."""
        if self._stream is None:
            self.open()
        elif self.execute(b":", timeout=timeout, queue=timeout).ending == "lost":
            raise SandboxError("the sandbox is gone; open a new one", cause="container_gone")

    def restart(self, cwd: bytes) -> None:
        """A fresh shell in `cwd`; background processes stay. Raises SandboxError."""
        try:
            kill = f"kill -s KILL {self.pid}".encode()
            self._revived_helper().execute(kill, timeout=GRACE_SECONDS)
            call = Call(self._mark, 0, timeout=GRACE_SECONDS)
            if self._await(call, call.sent + GRACE_SECONDS) and call.ended:
                self._begin(cwd)
                return
        except StreamClosed:
            pass
        self.open(cwd)

    def _send(self, record: bytes, payload: bytes = b"") -> None:
        assert self._stream is not None
        # The first NUL ends what somebody else may have written there.
        self._stream.send(b"\0" + record + b"\0" + payload)

    def _meet(self, visit: bytes) -> None:
        """Wait for the supervisor: it came from outside, and bears the name we gave it."""
        self._supervisor = 0
        for kind, number in self._told(lambda: self._supervisor > 0):
            seen = self._keeper().look(number) if kind == b"here" else None
            if seen is not None and (seen.parent, seen.name) == (0, visit):
                self._supervisor = number

    def _begin(self, cwd: bytes, call: Call | None = None) -> None:
        """Have the supervisor start a shell; what comes before its token belongs to `call`."""
        self._start = random_name()
        self._send(self._key + b"start " + self._start + b" " + cwd)
        scanner = UntilToken(self._start)
        keep = call.keep if call else HeadTail(0).feed
        if call:
            keep(call.scanner.flush())
        self.pid = 0
        for kind, number in self._told(
            lambda: scanner.found and self.pid > 0, lambda data: keep(scanner.feed(data))
        ):
            seen = self._keeper().look(number) if kind == b"hello" else None
            if seen is not None and seen.parent == self._supervisor:
                self.pid = number
        self._early, self.cwd, self._end = scanner.rest, cwd, self._start

    def _told(
        self, ready: Callable[[], bool], take: Callable[[bytes], object] | None = None
    ) -> Iterator[tuple[bytes, int]]:
        assert self._stream is not None
        return told_until(self._stream, self._records, ready, take, START_SECONDS)

    def _await(self, call: Call, until: float | None = None) -> bool:
        """Receive until the call is over (True), or its own deadline or `until` has passed."""
        assert self._stream is not None
        while not call.over:
            if until is None and self._overruns(call):
                return False
            deadline = call.deadline if until is None else until
            piece = self._stream.receive(min(deadline - time.monotonic(), WATCH_SECONDS))
            if piece and piece[0] == "output":
                self._take_output(piece[1], call)
            elif piece:
                for record in self._records.feed(piece[1]):
                    self._take(record, call)
            else:
                self._require_supervisor()
            if time.monotonic() >= deadline and not call.over:
                if call.late or not self._has_ended(call):
                    return False
                call.late = True  # it ended in time; only its output is still under way
                until = time.monotonic() + LATE_OUTPUT_SECONDS
        return True

    def _require_supervisor(self) -> None:
        """Raise StreamClosed where `kill -9 -1` or the like took it: nobody starts shells then."""
        seen = self._keeper().look(self._supervisor)
        if seen is None or seen.parent != 0:
            raise StreamClosed("the process that keeps the shell running was killed")

    def _overruns(self, call: Call) -> bool:
        """Whether the running command must be stopped before its time."""
        if call.end or self._disk_exceeded is None or not self._disk_exceeded():
            return False
        call.disk_full = True
        return True

    def _take_output(self, data: bytes, call: Call) -> None:
        """Keep what is output; a mark that the shell did not make is output, too."""
        call.keep(call.scanner.feed(data))
        while call.scanner.mark is not None:
            if self._has_ended(call) and call.end == call.scanner.mark:
                call.scanner.accept()
            else:
                call.keep(call.scanner.refuse())

    def _take(self, record: bytes, call: Call) -> None:
        """Act on a record as far as the keeper confirms it."""
        kind, _, rest = record.partition(b" ")
        if kind == b"begin" and call.begun is None:
            call.begun = time.monotonic()
        elif kind == b"done" and self._has_ended(call):
            end, _, cwd = rest.partition(b" ")
            if end == call.end:
                call.folder = cwd.removesuffix(b"\n")
                self.cwd = call.folder or self.cwd
        elif kind == b"ended" and (seen := self._keeper().look(self._supervisor)):
            start, code = signed(seen.name)
            if start == self._start:
                call.exit_code, call.ended = code, True

    def _has_ended(self, call: Call) -> bool:
        """Whether the command is over, by the name that only its shell can give itself."""
        seen = None if call.end else self._keeper().look(self.pid, call.name)
        if seen is not None and seen.parent == self._supervisor:
            end, code = signed(seen.name)
            if len(end) == END_BYTES and end.endswith(call.name):
                call.exit_code, call.end = code, end
                self._end = end
        return bool(call.end)

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
        words = f"set -- {self.pid} {ticks} {signal}\n{script('interrupt.sh')}"
        if also_shell:
            words += f"\nkill -s KILL {self.pid}"
        done = helper.execute(words.encode(), timeout=GRACE_SECONDS * 2)
        call.programs.update(done.output.decode("ascii", "ignore").split())

    def _revived_helper(self) -> Shell:
        """The shell that signals for this one; raises StreamClosed when there is none."""
        if self._helper is None:
            raise StreamClosed("this shell's commands cannot be signalled")
        helper = self._helper()
        try:
            helper.revive(timeout=HELPER_SECONDS)
        except SandboxError as error:
            raise StreamClosed("the sandbox cannot be reached to stop a command") from error
        return helper

    def _home_after(self, call: Call) -> bytes:
        """Where a shell that replaces the ended one starts."""
        return self.cwd if call.stopped else self._home

    def _reconnect(self, call: Call) -> None:
        """Replace a broken stream; the call is lost with the sandbox when that fails."""
        call.keep(call.scanner.flush())
        try:
            self.open(self._home_after(call))
            call.ended, call.exit_code = True, None
        except SandboxError:
            self.close()
            call.lost = True
