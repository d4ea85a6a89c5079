"""The user's checkout: read it, never write to it, unless a patch is to be applied.

The work happens in a copy: a new repository that holds the history of HEAD and
nothing else. So neither later commits nor ignored files (virtual environments,
`.env`) reach a sandbox, and the checkout may change while an attempt runs or
rests. Nothing that the checkout says is run or heeded as a setting
(`envs.host_git.git`), no lock is taken there and no object written.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError
from envs.errors import GitError
from envs.host_git import lfs
from envs.host_git.borrow import copy_history
from envs.host_git.folder import GitFolder, find_repository, is_inner_path, repository_at
from envs.host_git.git import git
from envs.host_git.transfer import LFS_FILES
from envs.host_git.worktree import open_work_tree

_IDENTITY = {
    "GIT_AUTHOR_NAME": "cwm-agent",
    "GIT_AUTHOR_EMAIL": "cwm-agent@localhost",
    "GIT_COMMITTER_NAME": "cwm-agent",
    "GIT_COMMITTER_EMAIL": "cwm-agent@localhost",
}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A state of a checkout: the commit, and what was not committed as a binary diff.

    `nested` are its submodules and, with uncommitted changes, other repositories inside of it.
    """

    root: Path
    commit: str
    changes: str = ""
    nested: tuple[Checkout, ...] = ()

    def copy_to(self, target: Path) -> tuple[str, ...]:
        """Make the copy at `target`, its files still packed (envs/host_git/transfer.py unpacks).

        Returns what the user should know. Raises UsageError when something is missing.
        """
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        with _usage(f"cannot copy commit {self.commit[:12]} from {self.root}"):
            return self._copy(target)

    def _copy(self, target: Path) -> tuple[str, ...]:
        repository = repository_at(self.root)
        if repository is None:
            raise GitError("it is no longer a git repository; name another with --repo")
        git_dir = target / ".git"
        notices = list(copy_history(repository, self.commit, git_dir))
        if self.changes:
            _commit(git_dir, self.changes)
        notices += lfs.fill(git_dir, "main", git_dir / LFS_FILES, repository.common)
        for nested in self.nested:
            notices += nested._copy(target / nested.root.relative_to(self.root))
        (git_dir / "index").unlink(missing_ok=True)
        return tuple(notices)


def read_checkout(folder: Path, *, dirty: bool) -> Checkout:
    """The state of the checkout that `folder` is in.

    Raises UsageError when it is not a git repository, has no commit, or has
    uncommitted changes and `dirty` does not allow them.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name a git checkout with --repo")
    with _usage(f"git cannot read {folder}"):
        repository = find_repository(folder)
        if repository is None:
            raise UsageError(
                f"{folder} is not a git repository; name one with --repo, "
                "or run `git init && git add -A && git commit -m start` there"
            )
        return _read(repository, dirty=dirty)


def apply_patch(checkout: Checkout, patch: str) -> list[str]:
    """Apply `patch` to the user's working tree (not to its index); returns the touched paths.

    Raises UsageError, having changed nothing, when the checkout has moved on
    since the attempt began or the touched files have changed.
    """
    with _usage("not applied", "; apply the patch by hand with `git apply -3`"):
        repository = repository_at(checkout.root)
        head = repository.head() if repository is not None else None
        if repository is None or head != checkout.commit:
            raise GitError(
                f"{checkout.root} moved from {checkout.commit[:12]} to "
                f"{(head or 'no commit')[:12]} since the attempt began"
            )
        with open_work_tree(repository, head) as tree:
            paths = tree.paths_of(patch)
            if not checkout.changes and (changed := tree.changed(paths) if paths else []):
                raise UsageError(
                    f"not applied: {changed[0]} has changed in {checkout.root} since the attempt "
                    "began; commit or stash it and apply the patch by hand"
                )
            tree.apply(patch)
    return paths


def _read(repository: GitFolder, *, dirty: bool) -> Checkout:
    assert repository.root is not None
    root, commit = repository.root, repository.head()
    if commit is None:
        raise UsageError(f"{root} has no commit yet; commit the code first")
    with open_work_tree(repository, commit) as tree:
        changed = tree.changed()
        links = tree.links()
        nested = {path: found for path in links if (found := _nested(root, path)) is not None}
        moved = [path for path, found in nested.items() if found.head() != links[path]]
        if (changed or moved) and not dirty:
            raise _uncommitted(root, [*changed, *moved])
        for path in changed:
            if path.endswith("/") and (found := _nested(root, path.rstrip("/"))) is not None:
                nested[path] = found
        return Checkout(
            root,
            commit,
            tree.difference(changed) if changed else "",
            tuple(_read(found, dirty=dirty) for found in nested.values()),
        )


def _nested(root: Path, path: str) -> GitFolder | None:
    """The repository with its working tree at `path`, unless a link leads there."""
    place = root / path
    if not is_inner_path(path) or place.resolve() != place:
        return None
    return repository_at(place)


def _uncommitted(root: Path, changed: list[str]) -> UsageError:
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return UsageError(
        f"{root} has uncommitted changes ({changed[0]}{more}); commit or stash them, "
        "or pass --dirty to start from them as they are"
    )


def _commit(git_dir: Path, changes: str) -> None:
    """Put the changes on top of `main`, without a working tree."""
    git(["read-tree", "main"], git_dir=git_dir)
    git(["apply", "--cached", "--whitespace=nowarn"], git_dir=git_dir, given=changes)
    tree = git(["write-tree"], git_dir=git_dir).strip()
    message = ["-p", "main", "-m", "Uncommitted changes of the checkout"]
    commit = git(["commit-tree", *message, tree], git_dir=git_dir, variables=_IDENTITY)
    git(["update-ref", "refs/heads/main", commit.strip()], git_dir=git_dir)


@contextmanager
def _usage(what: str, remedy: str = "") -> Iterator[None]:
    try:
        yield
    except GitError as error:
        raise UsageError(f"{what}: {error}{remedy}") from error
