"""The real program in a pseudo-terminal: what it writes, when, and how much memory it takes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

SIZE = (40, 120)
"""Lines and columns."""


class Terminal:
    """One run of `cwm-agent`; `started` is when (monotonic seconds)."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cwm_agent", *arguments],
            stdin=terminal, stdout=terminal, stderr=terminal, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(terminal)

    def read(self, seconds: float) -> bytes:
        """What comes within a time; returns with the first piece."""
        ready, _, _ = select.select([self._controller], [], [], seconds)
        if not ready:
            return b""
        try:
            return os.read(self._controller, 1 << 16)
        except OSError:  # how Linux says that the other side closed
            return b""

    def until(self, mark: bytes, seconds: float) -> float:
        """Read until something is written; returns when. Raises TimeoutError."""
        seen, deadline = b"", time.monotonic() + seconds
        while time.monotonic() < deadline and self._process.poll() is None:
            seen = seen[-len(mark) :] + self.read(0.05)
            if mark in seen:
                return time.monotonic()
        raise TimeoutError(
            f"the viewer did not write {mark.decode()!r} in {seconds:.0f} s; it wrote {seen!r}"
        )

    def quiet(self, seconds: float = 0.3, most: float = 60.0) -> None:
        """Read until nothing comes any more."""
        deadline = time.monotonic() + most
        while self.read(seconds) and time.monotonic() < deadline:
            pass

    def key(self, key: bytes, seconds: float = 2.0) -> float | None:
        """Press a key; returns the seconds until the screen changes, None where it does not."""
        pressed = time.monotonic()
        os.write(self._controller, key)
        if not self.read(seconds):
            return None
        return time.monotonic() - pressed

    @property
    def rss_mib(self) -> float:
        """Resident memory of the process now."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def close(self) -> None:
        """Press q; kill what does not go."""
        try:
            os.write(self._controller, b"q")
            self.quiet(0.2, 5)
            self._process.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._controller)
