"""The `create` tool: write a new file.

The first line of the body is the path, the rest the content; no final newline
is added.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from tools.texts import Texts
from tools.tool import Tool, ToolContext, ToolResult, ToolSpec
from tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CreateTool:
    """Refuses an existing path, an empty path and a missing parent folder, in this order.

    `strip_path`: blanks around the path are not part of it.
    """

    texts: Texts
    strip_path: bool = True
    name: str = "create"

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Create the file that `body` describes."""
        first, _, content = body.partition("\n")
        path = first.strip() if self.strip_path else first
        if path and workspace.path_kind(path) != "missing":
            return self._told(False, self.texts.render("create.exists", path=path))
        if not path:
            return self._told(False, self.texts.render("create.no_path"))
        parent = posixpath.dirname(posixpath.normpath(posixpath.join(workspace.cwd, path)))
        if workspace.path_kind(parent) != "directory":
            return self._told(False, self.texts.render("create.no_parent", parent=parent))
        try:
            workspace.write_file(path, content.encode("utf-8", "replace"))
        except OSError as error:
            reason = error.strerror or str(error)
            text = self.texts.render("create.unusable", path=path, reason=reason)
            return self._told(False, text)
        lines = content.count("\n") + 1
        return self._told(True, self.texts.render("create.done", path=path, lines=lines))

    def _told(self, ok: bool, feedback: str) -> ToolResult:
        """Feedback ends in a newline: in training a program printed it."""
        return ToolResult(f"{feedback}\n", ok=ok)


def _make(context: ToolContext) -> Tool:
    return CreateTool(context.texts, strip_path=context.switches.strip_paths)


CREATE = ToolSpec(
    name="create",
    make=_make,
    arguments={
        "path": "A file that does not exist yet, in a folder that does.",
        "content": "What it holds.",
    },
    texts={
        "create.exists": ("path",),
        "create.no_path": (),
        "create.no_parent": ("parent",),
        "create.unusable": ("path", "reason"),
        "create.done": ("path", "lines"),
    },
    published="plugin",
)
