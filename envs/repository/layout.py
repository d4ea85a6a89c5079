"""A task's repository in an open sandbox, as it is before the first turn and before a judgement."""

from __future__ import annotations

from envs.errors import SandboxError
from envs.host_git.transfer import put_repository
from envs.repository.locate import has_files
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from tools.workspace import CommandResult

SETUP_SECONDS = 1800.0


def lay_out(sandbox: Sandbox, task: IssueTask) -> None:
    """Copy the repository in, or see that the image has it, and run the setup commands.

    Raises SandboxError with the remedy: an image without code at that place
    would otherwise be worked on as an empty repository.
    """
    if task.repository is not None:
        put_repository(sandbox, task.repository, task.root)
    elif task.image is not None and not has_files(sandbox, task.root):
        raise SandboxError(
            f"there is nothing at {task.root} in the image {task.image}; name the folder of the "
            "repository with --workdir (or workdir in a task file)",
            cause="setup",
        )
    for command in task.setup:
        result = sandbox.run_fresh(command, timeout=SETUP_SECONDS)
        if result.ending != "exited" or result.exit_code:
            lost = result.ending == "lost" and result.cause
            raise SandboxError(
                f"the setup command {command!r} failed ({_how(result)}); fix it or leave it out. "
                f"Its last output: {_last_words(result.output) or 'none'}",
                cause=lost or "setup",
            )


def _how(result: CommandResult) -> str:
    match result.ending:
        case "exited":
            return f"exit code {result.exit_code}"
        case "timeout":
            return f"it took more than {SETUP_SECONDS / 60:.0f} minutes"
        case other:
            return other


def _last_words(output: str) -> str:
    """The end of an output in one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-500:]
