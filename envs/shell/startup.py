"""What `~/.bashrc` and BASH_ENV give to a shell: found out in one, given to every new one.

Images of SWE-bench activate their environment there and nowhere else, and the
published environment sources it whenever a session starts; the file that BASH_ENV
names is read by every bash of a script. Here only what they changed is taken over,
so a file that hangs, fails, prints or ends its shell costs nothing but that.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from envs.progress import Say
from envs.shell.shell import Shell

SECONDS = 30
"""How long the file may take."""
QUIET_SECONDS = 10.0
"""How long it is waited for without a word."""
_FILES = "~/.bashrc (or BASH_ENV) in the sandbox"
STATE_BYTES = 8 * 2**20
STOPPED = (b"124", b"137")
"""Exit codes of `timeout` that stopped it, by SIGTERM or SIGKILL."""
_DECLARED = re.compile(rb"declare -([a-zA-Z-]+) ([A-Za-z_]\w*)")
_OF_THE_SHELL = re.compile(
    rb"__cwm_.*|BASH(?!_ENV$).*|_|PWD|OLDPWD|SHLVL|SHELLOPTS|PPID|UID|EUID|GROUPS|RANDOM|SRANDOM"
    rb"|SECONDS|EPOCH.*|LINENO|DIRSTACK|FUNCNAME|PIPESTATUS|COLUMNS|LINES|HIST.*|OPT(IND|ARG|ERR)"
)
"""Variables that are each shell's own."""


@dataclass(frozen=True, slots=True)
class Startup:
    """`script` makes a new shell like one that has read the file.

    `notice` is for the user, "" where nothing went wrong. `usable` is False where
    the file gave nothing because it was killed or replaced its shell, and `slow`
    True where it had to be stopped.
    """

    script: bytes = b""
    notice: str = ""
    usable: bool = True
    slow: bool = False


def reading_script(*, interactive: bool) -> bytes:
    """The command for bash that reads the file and prints what `parse` takes."""
    text = (resources.files("envs") / "scripts" / "read_startup.sh").read_text()
    kind = "interactive" if interactive else "plain"
    return f"set -- {SECONDS} {kind}\n{text}set --\n".encode()


def parse(output: bytes) -> Startup:
    """What the reading command printed; see its script for the format."""
    if not output:
        return Startup()
    parts = iter(output.split(b"\0"))
    option, code, said = (next(parts, b"") for _ in range(3))
    before, after = _variables(parts), _variables(parts)
    functions, aliases, options, mask, whole = (next(parts, b"") for _ in range(5))
    if not mask:
        notice = _notice("gave no environment", code, said, "shells begin without it")
        return Startup(notice=notice, usable=False)
    changed = [text for name, text in after.items() if before.get(name) != text]
    gone = [b"unset -v " + name for name in before if name not in after]
    if option == b"-i":  # such a shell has settings that a script's must not have
        changed = [text for text in changed if b"x" in _flags(text)]
        aliases = b""
        options = next((line for line in options.splitlines() if b" extglob" in line), b"")
    # With extglob every function can be read again, whatever the file set it to afterwards.
    lines = [*gone, *changed, mask, b"shopt -s extglob", functions, options, aliases]
    notice, slow = "", code in STOPPED
    if slow:
        notice = _notice(f"took more than {SECONDS} s and was stopped", b"0", said)
    elif not whole:
        notice = _notice("ended the shell that read it", code, said)
    elif code != b"0" and said.strip():  # a last test that is false says nothing
        notice = _notice("ended with a failure", code, said)
    return Startup(b"\n".join([*lines, b":"]), notice, slow=slow)


def _variables(parts: Iterator[bytes]) -> dict[bytes, bytes]:
    """Commands that declare the variables up to an empty part, by name; none is read-only."""
    found = {}
    for text in iter(lambda: next(parts, b""), b""):
        match = _DECLARED.match(text)
        if match and not _OF_THE_SHELL.fullmatch(match[2]):
            flags = match[1].replace(b"r", b"") or b"-"
            found[match[2]] = b"declare -" + flags + text[match.end(1) :].rstrip(b"\n")
    return found


def _flags(declaration: bytes) -> bytes:
    match = _DECLARED.match(declaration)
    return match[1] if match else b""


def _notice(
    what: str, code: bytes, said: bytes, then: str = "commands see what it had set by then"
) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    last = lines[-1].strip()[:200] if lines else ""
    number = code.decode("ascii", "replace")
    return (
        f"{_FILES} {what}"
        + (f" (exit code {number})" if number not in ("0", "") else "")
        + (f"; its last words: {last}" if last else "")
        + f"; {then}"
    )


class Starter:
    """Has every new shell of a sandbox begin as if it had read the file itself."""

    def __init__(self, shell: Shell, say: Say) -> None:
        """`say` hears what went wrong, each thing once."""
        self._shell = shell
        self._say = say
        self._said: set[str] = set()
        self._ready = 0
        self._interactive = True
        self._read_again = True
        self._script = b""

    @property
    def due(self) -> bool:
        """Whether the shell is a new one, which has not begun."""
        return self._shell.pid != self._ready

    def enter(self) -> None:
        """Before a command: where the shell is a new one, have it begin. Never raises."""
        if not self.due:
            return
        if self._read_again:
            self._read()
        if self._script and self._shell.execute(self._script, timeout=SECONDS).ending != "exited":
            self._script = b""
            self._tell(f"{_FILES} makes shells that end; they start without it")
        self._ready = self._shell.pid

    def begin(self, command: str) -> str:
        """`command` for another shell, which then begins in the same way."""
        if not self._script:
            return command
        script = self._script.decode("utf-8", "surrogateescape")
        quiet, loud = "exec 8>&1 9>&2 >/dev/null 2>&1", "exec >&8 2>&9 8>&- 9>&-"
        return f"{quiet}\n{script}\n{loud}\n{command}"

    def _read(self) -> None:
        """Find out what the file gives; where it now gives nothing, what it gave before counts."""
        found = self._tried()
        if not found.usable and self._interactive:
            self._interactive = False
            found = self._tried()
        if found.usable:
            self._script = found.script
        if found.notice:
            self._tell(found.notice)
        self._read_again = found.usable and not found.slow

    def _tried(self) -> Startup:
        script = reading_script(interactive=self._interactive)
        waiting = f"waiting for {_FILES}, for at most {SECONDS} s"
        timer = threading.Timer(QUIET_SECONDS, self._tell, [waiting])
        timer.daemon = True
        timer.start()
        try:
            done = self._shell.execute(script, timeout=2 * SECONDS, limit=STATE_BYTES)
        finally:
            timer.cancel()
        if done.ending != "exited" or done.dropped:
            return Startup(notice=f"{_FILES} cannot be read", usable=False)
        return parse(done.output)

    def _tell(self, notice: str) -> None:
        if notice not in self._said:
            self._said.add(notice)
            self._say(notice)
