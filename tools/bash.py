"""The `bash` tool: run commands in the persistent shell."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tools.texts import Texts
from tools.tool import Tool, ToolContext, ToolResult, ToolSpec
from tools.workspace import CommandResult, Workspace


@dataclass(frozen=True, slots=True)
class BashTool:
    """Feedback is the raw output; the exit code is not shown, as in training.

    `keep_partial_output`: what a failed command printed stays in the feedback,
    and where the reason of a failure is known, it is named.
    Without it only the sentence about the failure is shown, and output beyond
    the byte cap counts as a failure of the session.
    `drop_invalid_bytes`: what is no UTF-8 is left out instead of shown as U+FFFD.
    """

    texts: Texts
    timeout: float = 120.0
    keep_partial_output: bool = True
    drop_invalid_bytes: bool = False
    name: str = "bash"

    def run(self, body: str, workspace: Workspace) -> ToolResult:
        """Run the body as one command."""
        result = workspace.run(body, timeout=self.timeout)
        if self.drop_invalid_bytes and result.clean_output is not None:
            result = replace(result, output=result.clean_output)
        cut = result.dropped_bytes > 0
        if result.ending == "exited" and not (cut and not self.keep_partial_output):
            return ToolResult(self._explained(result), ok=True, command=result)
        notice = self._failure(result)
        if not self.keep_partial_output or not result.output:
            return ToolResult(notice, ok=False, command=result)
        output = self._with_gap(result)
        joined = output if output.endswith("\n") else output + "\n"
        return ToolResult(joined + notice, ok=False, command=result)

    def _explained(self, result: CommandResult) -> str:
        """The output of a command that ended by itself, and which limit it met."""
        output = self._with_gap(result)
        cause = self._cause(result) if self.keep_partial_output else ""
        if not cause:
            return output
        return f"{output}{'' if output.endswith(chr(10)) or not output else chr(10)}{cause}"

    def _cause(self, result: CommandResult) -> str:
        """Which limit the command met; "" for every other reason."""
        if result.cause == "interactive":
            programs = ", ".join(result.programs)
            return self.texts.render("bash.cause.interactive", programs=programs)
        if result.cause == "out_of_memory":
            return self.texts.render("bash.cause.out_of_memory")
        if result.cause == "process_limit":
            return self.texts.render("bash.cause.process_limit")
        return self.texts.render("bash.cause.disk_full") if result.cause == "disk_full" else ""

    def _with_gap(self, result: CommandResult) -> str:
        if not result.dropped_bytes:
            return result.output
        note = self.texts.render("bash.dropped", dropped_bytes=result.dropped_bytes)
        return f"{result.output.rstrip()}\n{note}"

    def _failure(self, result: CommandResult) -> str:
        if not self.keep_partial_output:
            return f"{self._fresh_cause(result)} {self.texts.render('bash.fresh.session')}"
        if result.ending == "timeout":
            # What a busy machine took to notice is not what the command was given.
            seconds = min(result.seconds, self.timeout)
            stopped = self.texts.render("bash.timeout", seconds=f"{seconds:.0f}", cwd=result.cwd)
            return f"{stopped} {self._cause(result)}".rstrip()
        if result.ending == "lost":
            return self.texts.render("bash.lost")
        code = "unknown" if result.exit_code is None else result.exit_code
        return self.texts.render("bash.shell_ended", exit_code=code, cwd=result.cwd)

    def _fresh_cause(self, result: CommandResult) -> str:
        if result.dropped_bytes:  # the published session ends there, whatever comes later
            return self.texts.render("bash.fresh.too_much_output")
        if result.ending == "timeout":
            return self.texts.render("bash.fresh.timeout")
        return self.texts.render("bash.fresh.ended")


def _make(context: ToolContext) -> Tool:
    return BashTool(
        context.texts,
        context.command_seconds,
        context.switches.keep_partial_output,
        context.switches.drop_invalid_bytes,
    )


BASH = ToolSpec(
    name="bash",
    make=_make,
    arguments={"commands": "One or several lines of bash."},
    texts={
        "bash.dropped": ("dropped_bytes",),
        "bash.timeout": ("seconds", "cwd"),
        "bash.shell_ended": ("exit_code", "cwd"),
        "bash.lost": (),
        "bash.cause.interactive": ("programs",),
        "bash.cause.out_of_memory": (),
        "bash.cause.process_limit": (),
        "bash.cause.disk_full": (),
        "bash.fresh.timeout": (),
        "bash.fresh.too_much_output": (),
        "bash.fresh.ended": (),
        "bash.fresh.session": (),
    },
    published="core",
)
