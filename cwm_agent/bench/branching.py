"""How long it takes to open a sandbox, to keep a turn's state, and to branch from it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from cwm_agent.bench.timing import Spread, milliseconds, repeated
from envs.docker.commits import ContainerCommits, branch_commit
from envs.docker.sandbox import DockerSandbox
from envs.progress import Say
from envs.repository.repository import SandboxRepository
from envs.repository.restore import Branch, TurnState, branch, fill
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask

if TYPE_CHECKING:
    from docker import DockerClient

FILES, FOLDERS = 2000, 40
FIGURE_SECONDS = 40.0
"""After so long a figure has enough rounds."""
COMMAND_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BranchFigures:
    """All in milliseconds.

    `open_ms`: a sandbox with its shells. `snapshot_ms`: tree and diff of a
    repository of `files` files in which one changed. `branch_ms`: from that
    snapshot to the answer of the first command in a new sandbox. With Docker
    also `commit_ms`, the container kept as an image, and `commit_branch_ms`,
    from there to the first answer.
    """

    files: int
    open_ms: Spread
    snapshot_ms: Spread
    branch_ms: Spread
    commit_ms: Spread | None = None
    commit_branch_ms: Spread | None = None


def measure_branches(
    make: Callable[[str | None], Sandbox],
    client: DockerClient | None,
    *,
    rounds: int,
    progress: Say,
) -> BranchFigures:
    """Figures of sandboxes from `make`, which takes an image or None for the usual one.

    With `client` containers are committed, too. Raises SandboxError.
    """

    def repeat(what: str, call: Callable[[], float]) -> Spread:
        progress(f"{what}: up to {rounds} rounds")
        return repeated(rounds, FIGURE_SECONDS, call)

    opened = repeat("open", lambda: _time_open(make(None)))
    with _repository() as folder, make(None) as sandbox:
        task = IssueTask("bench", "", folder, root="/testbed")
        repository = SandboxRepository(sandbox, task.root)
        fill(sandbox, repository, task)
        numbers = count()
        snapshots = repeat("snapshot", lambda: _time_snapshot(sandbox, repository, next(numbers)))
        now = repository.snapshot()
        state = TurnState(1, now.tree, now.diff, task.root)
        branches = repeat(
            "branch", lambda: _time_branch(lambda: branch(lambda: make(None), task, state))
        )
        figures = BranchFigures(FILES, opened, snapshots, branches)
        if client is None or not isinstance(sandbox, DockerSandbox):
            return figures
        docker = sandbox
        with ContainerCommits(client) as commits:
            took = repeat(
                "commit", lambda: milliseconds(lambda: commits.take(docker, repository, 1))
            )
            kept = commits.take(docker, repository, 1)
            from_commit = repeat(
                "branch from a commit", lambda: _time_branch(lambda: branch_commit(make, kept))
            )
    return BranchFigures(FILES, opened, snapshots, branches, took, from_commit)


def _time_open(sandbox: Sandbox) -> float:
    try:
        return milliseconds(sandbox.open)
    finally:
        sandbox.close()  # not timed: nobody waits for it


def _time_snapshot(sandbox: Sandbox, repository: SandboxRepository, number: int) -> float:
    sandbox.run(f"echo {number} >> folder0/file0.py", timeout=COMMAND_SECONDS)
    return milliseconds(repository.snapshot)


def _time_branch(make: Callable[[], Branch]) -> float:
    made: list[Branch] = []

    def first_answer() -> None:
        made.append(make())
        made[0].sandbox.run("true", timeout=COMMAND_SECONDS)

    try:
        return milliseconds(first_answer)
    finally:
        for one in made:
            one.sandbox.close()


@contextmanager
def _repository() -> Iterator[Path]:
    """A git repository of FILES small files, its objects in a pack."""
    with tempfile.TemporaryDirectory(prefix="cwm-agent-bench-") as name:
        folder = Path(name)
        for number in range(FILES):
            path = folder / f"folder{number % FOLDERS}" / f"file{number // FOLDERS}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(
                "".join(f"def f{line}():\n    return {number}\n\n" for line in range(20))
            )
        for arguments in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "-qm", "Start"],
            ["gc", "-q"],  # as the copy of a user's checkout is
        ):
            subprocess.run(["git", "-C", name, *arguments], check=True, capture_output=True)
        yield folder
