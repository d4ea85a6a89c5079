"""What a tool needs from the place where it acts.

A sandbox (package `envs`) provides it. Tools see only this protocol, so they
run unchanged in Docker, in bubblewrap, and in a test's temporary folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

Ending = Literal["exited", "timeout", "shell_ended", "lost"]
"""How a command ended: by itself; killed at its time limit; it ended the
shell that ran it (`exit 3`, `exec ls`); the sandbox itself went away."""

Cause = Literal[
    # what the command itself met or did
    "timeout",
    "interactive",
    "shell_ended",
    "killed",
    "out_of_memory",
    "process_limit",
    "disk_full",
    # what happened to the place where it ran
    "container_gone",
    "container_paused",
    "engine_unreachable",
    "shell_unusable",
    "sandbox_broken",
    "host_disk_full",
    "image_missing",
    "not_available",
    "setup",
    # what happened to the model, where other processes serve it
    "model_unreachable",
    "model_refused",
]
"""Why something failed; `envs.failures` says whose failure each one is."""

PathKind = Literal["file", "directory", "missing", "other"]


@dataclass(frozen=True, slots=True)
class CommandResult:
    """One finished command.

    `output` is stdout and stderr merged as written, with invalid UTF-8
    replaced; when more than the byte cap came, the middle is missing and
    `dropped_bytes` says how much. `exit_code` is None unless the ending is
    "exited" or "shell_ended" with a known code. `cwd` is where the shell
    stands afterwards. `seconds` is run time; `queued` is how long the shell
    took to begin (a busy machine). `cause` says more about a failure, where
    more is known, and `programs` what still ran when it was stopped: those that wait for a
    person, where there are any. `clean_output` is `output` with invalid UTF-8 left out
    instead, None where there is none.
    """

    output: str
    exit_code: int | None
    ending: Ending
    seconds: float
    cwd: str
    dropped_bytes: int = 0
    queued: float = 0.0
    cause: Cause | None = None
    programs: tuple[str, ...] = ()
    clean_output: str | None = None


class Workspace(Protocol):
    """A persistent shell and the files it sees; relative paths start at `cwd`."""

    @property
    def cwd(self) -> str:
        """Absolute path where the shell stands."""

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """Run `command` in the persistent shell; never raises for what the command does."""

    def path_kind(self, path: str) -> PathKind:
        """What is at `path`, links followed: one that leads nowhere is "missing"."""

    def read_file(self, path: str) -> bytes:
        """The file's bytes; raises FileNotFoundError, IsADirectoryError or PermissionError."""

    def write_file(self, path: str, data: bytes) -> None:
        """Replace or create the file, keeping its mode; raises OSError subclasses."""
