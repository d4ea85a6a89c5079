"""A viewer's hand on live runs: the control socket, and a shell in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cwm_agent.errors import NotReadyError, UsageError
from cwm_agent.view.sources.row import Row
from envs.registry import SANDBOX_KINDS


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
        """What opens a shell in the sandbox of a live attempt; raises UsageError without one."""
        for kind in SANDBOX_KINDS:
            if kind.enter is None:
                continue
            if (command := kind.enter(row.run, row.instance, row.sample)) is not None:
                return command
        raise UsageError(f"{row.instance} #{row.sample} has no sandbox now")
