"""The tools of an episode, set up by the switches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envs.errors import ModeError
from envs.issue.budget import Limits
from envs.issue.modes import Switches
from tools.bash import BashTool
from tools.create import CreateTool
from tools.edit import EditTool
from tools.parsing import Call
from tools.submit import Checked, SubmitTool
from tools.texts import Texts
from tools.tool import Tool, ToolResult
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
    """The named tools; raises ModeError for a name that does not exist.

    `working_diff` and `check` are what `submit` asks where the switches want it.
    """

    def __init__(
        self,
        names: Sequence[str],
        texts: Texts,
        switches: Switches,
        limits: Limits,
        working_diff: Callable[[], str | None],
        check: Callable[[str, str], Checked] | None = None,
    ) -> None:
        known: dict[str, Tool] = {
            "bash": BashTool(
                texts,
                limits.command_seconds,
                switches.keep_partial_output,
                switches.drop_invalid_bytes,
            ),
            "edit": EditTool(
                texts,
                whole_lines=switches.edit_whole_lines,
                allow_deletion=switches.edit_may_delete,
                keep_line_endings=switches.edit_keeps_line_endings,
                any_encoding=switches.edit_any_encoding,
                strip_path=switches.strip_paths,
                refuse_unchanged=switches.edit_refuses_unchanged,
            ),
            "create": CreateTool(texts, strip_path=switches.strip_paths),
            "submit": SubmitTool(
                texts,
                through_shell=switches.submit_through_shell,
                working_diff=working_diff if switches.submit_working_tree else None,
                check=check if switches.submit_must_apply else None,
                timeout=limits.command_seconds,
            ),
        }
        if unknown := [name for name in names if name not in known]:
            raise ModeError(f"unknown tools {unknown}; choose among {', '.join(known)}")
        self._tools = {name: known[name] for name in names}

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of their description."""
        return tuple(self._tools)

    def run(self, call: Call, workspace: Workspace, seconds: float) -> ToolResult:
        """Run one call; its commands get at most `seconds`."""
        return self._tools[call.name].run(call.body, _Deadline(workspace, seconds))
