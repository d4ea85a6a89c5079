"""Git directories of our own that borrow the objects of a repository on this host."""

from __future__ import annotations

import shutil
from pathlib import Path

from envs.errors import GitError
from envs.host_git.folder import GitFolder
from envs.host_git.git import git, try_git

HISTORY_LEFT_OUT = (
    "the checkout is a partial clone, so its history is left out: only the commit itself is copied"
)


def borrow(repository: GitFolder, git_dir: Path) -> None:
    """Make `git_dir` a git directory without refs that sees all objects of `repository`."""
    kind = f"--object-format={repository.object_format}"
    made = ["init", "--quiet", "--template=", "--initial-branch=main", kind]
    git([*made, "--", str(git_dir.parent.absolute())])
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    alternates = git_dir / "objects" / "info" / "alternates"
    place = str(repository.objects.resolve())
    alternates.write_bytes(_quoted(place).encode("utf-8", "surrogateescape") + b"\n")
    if shallow := repository.shallow():
        (git_dir / "shallow").write_text(shallow)


def copy_history(repository: GitFolder, commit: str, git_dir: Path) -> tuple[str, ...]:
    """Make `git_dir` a git directory of its own whose branch `main` ends at `commit`.

    It holds what `commit` reaches, and nothing else.
    Returns what the user should know. Raises GitError when objects are missing.
    """
    borrow(repository, git_dir)
    if try_git(["cat-file", "-e", f"{commit}^{{commit}}"], git_dir=git_dir).code:
        raise GitError(f"there is no commit {commit[:12]} in {repository.common}")
    notices = _pack(repository, commit, git_dir)
    (git_dir / "objects" / "info" / "alternates").unlink()
    git(["update-ref", "refs/heads/main", commit], git_dir=git_dir)
    shutil.rmtree(git_dir / "logs", ignore_errors=True)
    return notices


def _pack(repository: GitFolder, commit: str, git_dir: Path) -> tuple[str, ...]:
    """Pack what `commit` reaches, without a search for deltas: it would take the longest."""
    packing = ["pack-objects", "--quiet", "--revs", "--window=0", "--delta-base-offset"]
    packing.append(str(git_dir.absolute() / "objects" / "pack" / "pack"))
    (git_dir / "objects" / "pack").mkdir(exist_ok=True)
    done = try_git(packing, git_dir=git_dir, given=f"{commit}\n")
    if done.code == 0:
        return ()
    if not repository.is_partial:
        raise GitError(
            f"{repository.common} is damaged: {done.reason}; run `git fsck` there to see more"
        )
    (git_dir / "shallow").write_text(f"{commit}\n")
    done = try_git(packing, git_dir=git_dir, given=f"{commit}\n")
    if done.code:
        raise GitError(
            f"{repository.common} is a partial clone and lacks files of commit {commit[:12]} "
            f"({done.reason}); fetch them with `git checkout HEAD -- .` in it, or make it whole "
            "with `git fetch --refetch --no-filter`"
        )
    return (HISTORY_LEFT_OUT,)


def _quoted(place: str) -> str:
    """A path as a line of `objects/info/alternates` (gitrepository-layout(5))."""
    if not place.startswith(("#", '"')) and "\n" not in place:
        return place
    escaped = place.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
