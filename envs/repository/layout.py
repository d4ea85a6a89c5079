"""A task's repository in an open sandbox, as it is before the first turn and before a judgement."""

from __future__ import annotations

from envs.errors import SandboxError
from envs.host_git.transfer import put_repository
from envs.repository.locate import has_files
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask

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
            how = f"exit code {result.exit_code}" if result.ending == "exited" else result.ending
            raise SandboxError(
                f"the setup command {command!r} failed ({how}); fix it or leave it out. "
                f"Its last output: {result.output.strip()[-500:] or 'none'}",
                cause=lost or "setup",
            )
