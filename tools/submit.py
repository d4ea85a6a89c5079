"""The `submit` tool: hand in a patch file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tools.texts import Texts
from tools.tool import Checked, Repair, Tool, ToolContext, ToolResult, ToolSpec
from tools.workspace import Workspace

PATCH_BYTES = 16 * 2**20
"""The largest patch that is taken. Counting its tokens takes time, and every record holds it."""
_HOLDS_DIFF = re.compile(r"^(\x1b\[[0-9;]*m)*(diff |--- )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SubmitTool:
    """The body is the path of a patch file; the accepted patch is in the result's `submission`.

    `through_shell`: the published way, `cat PATH` with the path unquoted, so
    that blanks and wildcards in it are the shell's. Otherwise the file is read
    as named. `working_diff`: what an empty body submits, None where that cannot be had; without
    it an empty body is refused.
    Only text that starts like a diff is accepted. A patch of more than
    PATCH_BYTES is refused. `check` tries a patch on a clean copy, given the folder of the
    shell, and says what to submit in its place; then it need only hold a diff.
    With `refusal` a test is asked for instead: any file that it does not refuse is accepted.
    With `state` nothing is read: the submission is "", for the workspace counts as it stands.
    """

    texts: Texts
    through_shell: bool = False
    working_diff: Callable[[], str | None] | None = None
    check: Callable[[str, str], Checked] | None = None
    refusal: Callable[[str], str] | None = None
    state: bool = False
    timeout: float = 120.0
    name: str = "submit"

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Read and check the submission; the feedback asks for a review of it."""
        if self.state:
            return ToolResult(self.texts.render("submit.state"), ok=True, submission="")
        path = body.strip()
        if not path and self.working_diff is not None:
            return self._judge(self.working_diff(), self.texts.render("submit.working_tree"))
        if not self.through_shell:
            return self._judge(_read(path, workspace), path, workspace.cwd)
        result = workspace.run(f"cat {path}", timeout=self.timeout)
        whole = result.ending == "exited" and result.exit_code == 0 and not result.dropped_bytes
        output = result.output if result.clean_output is None else result.clean_output
        judged = self._judge(output if whole else None, path, workspace.cwd)
        return replace(judged, command=result)

    def _judge(self, patch: str | None, path: str, cwd: str | None = None) -> ToolResult:
        """Accept or refuse a patch; one from the folder `cwd` is checked, where that is asked."""
        if patch is None:
            return _refused(self.texts.render("submit.unreadable", path=path))
        if not patch.strip():
            return _refused(self.texts.render("submit.empty", path=path))
        if self.refusal is not None:
            return self._judge_test(patch, self.refusal(patch))
        check = None if cwd is None else self.check
        starts = _HOLDS_DIFF.search(patch) if check else patch.startswith("diff")
        if not starts:
            return _refused(self.texts.render("submit.no_diff", path=path))
        size = len(patch.encode("utf-8", "surrogateescape"))
        if size > PATCH_BYTES:
            told = self.texts.render("submit.too_large", path=path, bytes=size, most=PATCH_BYTES)
            return _refused(told)
        if check is None or cwd is None:
            return self._accepted(patch)
        return self._checked(check(patch, cwd), path)

    def _judge_test(self, test: str, reason: str) -> ToolResult:
        if reason:
            return _refused(self.texts.render("testgen.refused", reason=reason))
        shown = test.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        feedback = self.texts.render("testgen.review", submission=shown)
        return ToolResult(feedback, ok=True, submission=test)

    def _checked(self, checked: Checked, path: str) -> ToolResult:
        base, reason = checked.base, checked.reason
        if checked.patch is None and not reason:
            return _refused(self.texts.render("submit.no_effect", path=path, base=base))
        if checked.patch is None:
            return _refused(
                self.texts.render("submit.does_not_apply", path=path, reason=reason, base=base)
            )
        accepted = self._accepted(checked.patch)
        if not checked.repair:
            return accepted
        note = self._notes()[checked.repair]
        return replace(accepted, feedback=f"{note}\n\n{accepted.feedback}")

    def _notes(self) -> dict[Repair, str]:
        return {
            "form": self.texts.render("submit.repair.form"),
            "line_ends": self.texts.render("submit.repair.line_ends"),
            "prefix": self.texts.render("submit.repair.prefix"),
            "folder": self.texts.render("submit.repair.folder"),
            "counts": self.texts.render("submit.repair.counts"),
            "blanks": self.texts.render("submit.repair.blanks"),
            "colours": self.texts.render("submit.repair.colours"),
            "reversed": self.texts.render("submit.repair.reversed"),
        }

    def _accepted(self, patch: str) -> ToolResult:
        shown = patch.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        feedback = self.texts.render("submit.review", submission=shown)
        return ToolResult(feedback, ok=True, submission=patch)


def _refused(told: str) -> ToolResult:
    return ToolResult(told, ok=False)


def _read(path: str, workspace: Workspace) -> str | None:
    """The file's text; bytes that are no UTF-8 become lone surrogates, to be written back."""
    try:
        return workspace.read_file(path).decode("utf-8", "surrogateescape")
    except OSError:
        return None


def _make(context: ToolContext) -> Tool:
    switches, patch = context.switches, context.refusal is None
    return SubmitTool(
        context.texts,
        through_shell=switches.submit_through_shell,
        working_diff=context.working_diff if patch and switches.submit_working_tree else None,
        check=context.check if switches.submit_must_apply else None,
        refusal=context.refusal,
        state=context.state,
        timeout=context.command_seconds,
    )


SUBMIT = ToolSpec(
    name="submit",
    make=_make,
    arguments={"result": "The path of a file that holds your patch."},
    texts={
        "submit.working_tree": (),
        "submit.unreadable": ("path",),
        "submit.empty": ("path",),
        "submit.no_diff": ("path",),
        "submit.too_large": ("path", "bytes", "most"),
        "submit.does_not_apply": ("path", "reason", "base"),
        "submit.no_effect": ("path", "base"),
        "submit.repair.form": (),
        "submit.repair.line_ends": (),
        "submit.repair.prefix": (),
        "submit.repair.folder": (),
        "submit.repair.counts": (),
        "submit.repair.blanks": (),
        "submit.repair.colours": (),
        "submit.repair.reversed": (),
        "submit.review": ("submission",),
        "submit.state": (),
    },
    wording={
        "submit.state": (
            "Your work counts as the container stands now. Close with a short report of what you "
            "did if it is complete; else go on working and submit again."
        ),
    },
    published="core",
    may_be_empty=lambda switches: switches.submit_working_tree,
)
