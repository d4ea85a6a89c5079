"""Running a program of the host that takes minutes, while somebody watches."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Sequence

from envs.errors import SandboxError
from envs.progress import Say

KEPT_LINES = 20


def run_watched(command: Sequence[str], progress: Say, *, what: str, remedy: str) -> None:
    """Run `command` to its end and show each line of its output.

    Raises SandboxError with `what` failed, the remedy, and the last lines.
    """
    tail: deque[str] = deque(maxlen=KEPT_LINES)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail.append(line.rstrip())
            progress(line.rstrip())
    if process.returncode != 0:
        raise SandboxError(
            f"{what} failed with code {process.returncode}; {remedy}. Its last lines:\n"
            + "\n".join(tail)
        )
