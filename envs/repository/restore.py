"""A new sandbox as it was after any turn of an attempt.

The repository comes back from what the journal keeps: its start, and the
binary diff of the turn. That works in every kind of sandbox and covers tracked
and new files; files that git ignores, empty folders and whatever lies outside
the repository do not come back (`envs.docker.commits` keeps those, with Docker).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envs.errors import PatchError, SandboxError, TurnError
from envs.repository.layout import lay_out
from envs.repository.repository import SandboxRepository
from envs.sandbox.sandbox import Sandbox
from envs.task import IssueTask
from results.records import Event, Replied, Snapshot


@dataclass(frozen=True, slots=True)
class TurnState:
    """The repository after `turn` (0: before the first) and the folder of the shell.

    `tree` is the git tree id, "" as long as no turn has changed anything.
    `patch` is the change as it would be handed in.
    """

    turn: int
    tree: str
    diff: str
    cwd: str
    patch: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """An open sandbox and its repository. Use it as a context manager, or close the sandbox."""

    sandbox: Sandbox
    repository: SandboxRepository

    def __enter__(self) -> Branch:
        return self

    def __exit__(self, *exc: object) -> None:
        self.sandbox.close()


def state_after(events: Sequence[Event], turn: int | None, root: str) -> TurnState:
    """What `events` say of the sandbox after `turn`, None meaning the last one.

    Raises TurnError for a turn that the attempt did not have.
    """
    turns = sum(isinstance(event, Replied) for event in events)
    if turn is None:
        turn = turns
    if not 0 <= turn <= turns:
        raise TurnError(f"the attempt has no turn {turn}: it has {turns}; choose 0 to {turns}")
    state = TurnState(turn, "", "", root)
    for event in events:
        if isinstance(event, Snapshot) and event.turn <= turn:
            state = TurnState(turn, event.tree, event.diff, event.cwd, event.handed_in)
    return state


def branch(make: Callable[[], Sandbox], task: IssueTask, state: TurnState) -> Branch:
    """A sandbox from `make`, opened and brought to `state`.

    Raises SandboxError when the repository does not come out with the tree id
    that the journal holds, because it is then not the state that was asked for.
    """
    sandbox = make()
    repository = SandboxRepository(sandbox, task.root)
    try:
        fill(sandbox, repository, task)
        tree = bring(sandbox, repository, state, root=task.root)
        check_tree(tree, state)
    except BaseException:
        sandbox.close()
        raise
    return Branch(sandbox, repository)


def fill(
    sandbox: Sandbox,
    repository: SandboxRepository | None,
    task: IssueTask,
    *,
    ignore_untracked: bool = False,
) -> None:
    """Open the sandbox with the task's repository in it, ready for the first turn.

    None: its states are not recorded.
    """
    sandbox.open()
    lay_out(sandbox, task)
    if repository is not None:
        repository.prepare(ignore_untracked=ignore_untracked)
    sandbox.restart_shell(cwd=task.root)


def bring(sandbox: Sandbox, repository: SandboxRepository, state: TurnState, *, root: str) -> str:
    """Bring a freshly filled sandbox to `state`; returns the tree id that came out."""
    try:
        repository.apply(state.diff)
    except PatchError as error:
        raise SandboxError(
            f"the state after turn {state.turn} cannot be restored: {error}; was the repository "
            "changed since? start a new run instead"
        ) from error
    stand(sandbox, state.cwd, root=root)
    return repository.snapshot().tree if state.diff else repository.start_tree


def stand(sandbox: Sandbox, cwd: str, *, root: str) -> None:
    """A fresh shell in `cwd`, or in `root` where that folder did not come back."""
    sandbox.restart_shell(cwd=cwd if sandbox.path_kind(cwd) == "directory" else root)


def check_tree(tree: str, state: TurnState) -> None:
    """Raise SandboxError unless `tree` is what the state names."""
    if state.tree and tree != state.tree:
        raise SandboxError(
            f"the repository after turn {state.turn} came out as tree {tree[:12]} instead of "
            f"{state.tree[:12]}; was the repository or the image changed since? "
            "start a new run instead"
        )
