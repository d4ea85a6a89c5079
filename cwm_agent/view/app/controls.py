"""What the application may ask of a live run; the command that starts it brings the means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from cwm_agent.view.sources.row import Row

Status = Mapping[str, Any]
"""What `cwm-agent ctl RUN status --json` has under `status`."""


class Controls(Protocol):
    """Each may take seconds, so it is called in a thread; all raise errors of ours."""

    def status(self, run: str) -> Status | None:
        """How a run stands, None where no process works on it."""

    def ask(self, run: str, action: str, value: str | None = None) -> str:
        """Do one of the actions of `cwm-agent ctl`; returns what was done, in words."""

    def shell(self, row: Row) -> list[str]:
        """The command that opens a shell in the sandbox of a live attempt."""


class NoControls:
    """Where there is nothing to control: files of other programs."""

    def status(self, run: str) -> Status | None:
        """Nothing lives."""
        del run
        return None

    def ask(self, run: str, action: str, value: str | None = None) -> str:
        """Nothing can be done."""
        del action, value
        return f"{run} is not live"

    def shell(self, row: Row) -> list[str]:
        """There is no sandbox."""
        del row
        return []
