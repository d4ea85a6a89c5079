"""A viewer's hand on live runs: the control socket, and a shell in a sandbox."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.view.sources.row import Row
from envs.sandbox.owner import LABEL


class LiveControls:
    """Asks the processes that work on runs, by the folder of each."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def status(self, run: str) -> Mapping[str, Any] | None:
        """What `ctl RUN status` says; None where no process answers."""
        folder = self._folders.get(run)
        if folder is None or not (folder / "control.sock").exists():
            return None
        from cwm_agent.batch.control import ask  # late: most runs that are viewed are over

        try:
            status = ask(folder, {"command": "status"})["status"]
        except (NotReadyError, UsageError):
            return None
        return status if isinstance(status, dict) else None

    def ask(self, run: str, action: str, value: str | None = None) -> str:
        """What `ctl RUN ACTION VALUE` does; raises UsageError, NotReadyError."""
        folder = self._folders.get(run)
        if folder is None:
            raise UsageError(f"{run} was not made by cwm-agent, so it cannot be controlled")
        from cwm_agent.batch.control import ask
        from cwm_agent.batch.ctl import request_of

        answer = ask(folder, request_of(action, value, now=False))
        changed = answer.get("changed")
        named = ", ".join(map(str, changed)) if isinstance(changed, (list, tuple)) else value or ""
        return f"{action} {named}".strip()

    def shell(self, row: Row) -> list[str]:
        """`docker exec` into the container of a live attempt; raises UsageError without one."""
        named = {"run": row.run, "instance": row.instance, "sample": row.sample}
        filters = [
            word for name, value in named.items()
            for word in ("--filter", f"label={LABEL}{name}={value}")
        ]  # fmt: skip
        try:
            found = subprocess.run(
                ["docker", "ps", "--quiet", *filters], capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise UsageError(f"cannot run docker: {error.strerror}") from error
        names = found.stdout.split()
        if not names:
            raise UsageError(f"{row.instance} #{row.sample} has no container now")
        return ["docker", "exec", "-it", names[0], "bash"]
