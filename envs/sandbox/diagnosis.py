"""Why a command failed, where the kernel or the engine knows more than an exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from envs.shell.call import Finished
from tools.workspace import Cause

Control = Callable[[str], bytes]
"""Runs a script in the sandbox's control shell and gives its output."""

SIGKILLED = 128 + 9
TAIL = 8192
"""Bytes at the end of an output in which a message of the system is looked for."""
FULL_BYTES = 2**20

_MESSAGES: tuple[tuple[re.Pattern[bytes], Cause], ...] = (
    (re.compile(rb"No space left on device|File size limit exceeded|File too large"), "disk_full"),
    (re.compile(rb"fork: .*Resource temporarily unavailable"), "process_limit"),
    (
        re.compile(rb"Cannot allocate memory|memory exhausted|^MemoryError\b|bad_alloc", re.M),
        "out_of_memory",
    ),
)


@dataclass(frozen=True, slots=True)
class Counters:
    """What the kernel has counted since the sandbox began."""

    oom_kills: int = 0
    refused_forks: int = 0

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Counters:
        """From "oom_kill N" and "max N", as cgroup files say it."""
        found = dict.fromkeys(("oom_kill", "max"), 0)
        for line in lines:
            key, _, value = line.strip().partition(" ")
            if key in found and value.isdigit():
                found[key] = int(value)
        return cls(found["oom_kill"], found["max"])


class Diagnostics(Protocol):
    """What one kind of sandbox can say about itself."""

    def counters(self, control: Control, /) -> Counters:
        """The kernel's counters; zeros where there are none."""

    def gone(self) -> Cause:
        """Why nothing answers any more."""

    def disk_exceeded(self) -> bool:
        """Whether the running command must be stopped for the disk it has filled."""

    def on_host_disk(self) -> bool:
        """Whether files lie on a file system that others use, too."""


class Diagnosis:
    """Names the causes of one sandbox's failures, one command after the other."""

    def __init__(self, diagnostics: Diagnostics, control: Control) -> None:
        self._diagnostics = diagnostics
        self._control = control
        self._seen = Counters()

    def cause(self, finished: Finished) -> Cause | None:
        """Why it failed; None for a success and for a plain exit code."""
        if finished.ending == "lost":
            return self._diagnostics.gone()
        if finished.ending == "exited" and finished.exit_code == 0:
            return None
        if finished.cause in ("disk_full", "interactive"):
            return finished.cause
        return self._counted() or self._said(finished) or finished.cause

    def _counted(self) -> Cause | None:
        """By the kernel, since the last failure."""
        before, now = self._seen, self._diagnostics.counters(self._control)
        self._seen = now
        if now.oom_kills > before.oom_kills:
            return "out_of_memory"
        return "process_limit" if now.refused_forks > before.refused_forks else None

    def _said(self, finished: Finished) -> Cause | None:
        """By the last words of the command. Whoever forges them only blames himself."""
        tail = finished.output[-TAIL:]
        if finished.ending == "timeout":
            return None
        for pattern, cause in _MESSAGES:
            if pattern.search(tail):
                return "host_disk_full" if cause == "disk_full" and self._host_full() else cause
        return "killed" if finished.exit_code == SIGKILLED else None

    def _host_full(self) -> bool:
        if not self._diagnostics.on_host_disk():
            return False
        blocks, _, size = self._control("stat -f -c '%a %S' /").partition(b" ")
        return blocks.isdigit() and int(blocks) * int(size) < FULL_BYTES
