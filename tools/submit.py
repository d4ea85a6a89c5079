"""The `submit` tool: hand in a patch file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tools.texts import Texts
from tools.tool import ToolResult
from tools.workspace import Workspace

PATCH_BYTES = 16 * 2**20
"""The largest patch that is taken. Counting its tokens takes time, and every record holds it."""


@dataclass(frozen=True, slots=True)
class SubmitTool:
    """The body is the path of a patch file; the accepted patch is in the result's `submission`.

    `through_shell`: the published way, `cat PATH` with the path unquoted, so
    that blanks and wildcards in it are the shell's. Otherwise the file is read
    as named. `working_diff`: what an empty body submits, None where that cannot be had; without
    it an empty body is refused.
    `needs_diff`: only text that starts like a diff is accepted. A patch of more than
    PATCH_BYTES is refused.
    """

    texts: Texts
    through_shell: bool = False
    working_diff: Callable[[], str | None] | None = None
    needs_diff: bool = True
    timeout: float = 120.0
    name: str = "submit"

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Read and check the submission; the feedback asks for a review of it."""
        path = body.strip()
        if not path and self.working_diff is not None:
            return self._judge(self.working_diff(), self.texts.render("submit.working_tree"))
        if not self.through_shell:
            return self._judge(_read(path, workspace), path)
        result = workspace.run(f"cat {path}", timeout=self.timeout)
        whole = result.ending == "exited" and result.exit_code == 0 and not result.dropped_bytes
        output = result.output if result.clean_output is None else result.clean_output
        return replace(self._judge(output if whole else None, path), command=result)

    def _judge(self, patch: str | None, path: str) -> ToolResult:
        if patch is None:
            return ToolResult(self.texts.render("submit.unreadable", path=path), ok=False)
        if not patch.strip():
            return ToolResult(self.texts.render("submit.empty", path=path), ok=False)
        if self.needs_diff and not patch.startswith("diff"):
            return ToolResult(self.texts.render("submit.no_diff", path=path), ok=False)
        content = patch.encode("utf-8", "surrogateescape")
        if len(content) > PATCH_BYTES:
            told = self.texts.render(
                "submit.too_large", path=path, bytes=len(content), most=PATCH_BYTES
            )
            return ToolResult(told, ok=False)
        shown = content.decode("utf-8", "replace")
        feedback = self.texts.render("submit.review", submission=shown)
        return ToolResult(feedback, ok=True, submission=patch)


def _read(path: str, workspace: Workspace) -> str | None:
    """The file's text; bytes that are no UTF-8 become lone surrogates, to be written back."""
    try:
        return workspace.read_file(path).decode("utf-8", "surrogateescape")
    except OSError:
        return None
