"""The tools of an episode, set up by the switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.parsing import Call
from tools.registry import tool_spec
from tools.tool import ToolContext, ToolResult
from tools.workspace import CommandResult, PathKind, Workspace


@dataclass(frozen=True, slots=True)
class _Deadline:
    """A workspace whose commands end with the episode's time."""

    inner: Workspace
    seconds: float

    @property
    def cwd(self) -> str:
        return self.inner.cwd

    def run(self, command: str, *, timeout: float) -> CommandResult:
        return self.inner.run(command, timeout=max(1.0, min(timeout, self.seconds)))

    def path_kind(self, path: str) -> PathKind:
        return self.inner.path_kind(path)

    def read_file(self, path: str) -> bytes:
        return self.inner.read_file(path)

    def write_file(self, path: str, data: bytes) -> None:
        self.inner.write_file(path, data)


class Toolbox:
    """The named tools; raises UnknownToolError for a name that is not registered."""

    def __init__(self, names: Sequence[str], context: ToolContext) -> None:
        specs = [tool_spec(name) for name in names]
        self._tools = {spec.name: spec.make(context) for spec in specs}
        self._may_be_empty = frozenset(
            spec.name for spec in specs if spec.may_be_empty(context.switches)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of their description."""
        return tuple(self._tools)

    @property
    def may_be_empty(self) -> frozenset[str]:
        """Tools whose calls need no body."""
        return self._may_be_empty

    def run(self, call: Call, workspace: Workspace, seconds: float) -> ToolResult:
        """Run one call; its commands get at most `seconds`."""
        return self._tools[call.name].run(call.body, _Deadline(workspace, seconds))
