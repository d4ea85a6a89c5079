"""The protocol of a tool and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tools.workspace import CommandResult, Workspace


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told, and what the harness needs to know.

    `feedback` goes to the model. `ok` is False when the tool refused or
    failed. `command` is set by tools that ran one. `submission` is the patch
    text of an accepted submit.
    """

    feedback: str
    ok: bool
    command: CommandResult | None = None
    submission: str | None = None


class Tool(Protocol):
    """One verb of the agent."""

    @property
    def name(self) -> str:
        """The name in `<tool: NAME>`."""

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Act on the call's body (passed unstripped)."""
