"""The working tree of a repository on this host, compared with its commit.

The index is copied, so that files whose dates and sizes it knows need not be
read. What the repository ignores by `info/exclude`, and the user by
`core.excludesFile`, stays ignored: these are patterns, not programs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from envs.errors import GitError
from envs.host_git import lfs
from envs.host_git.borrow import borrow
from envs.host_git.folder import GitFolder, is_inner_path, read_inside, read_plain
from envs.host_git.git import git, try_git, user_excludes
from envs.sandbox.owner import scratch_folder

_INDEX_BYTES = 2**30
_EXCLUDE_BYTES = 2**20
_LINK = "160000"
_SECONDS = 180.0
"""Enough to look at 40,000 folders on a slow disk; git waits for a pipe named .gitattributes."""


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A working tree at `root`, seen through `git_dir`, which is ours and borrows the objects."""

    root: Path
    git_dir: Path
    commit: str

    def changed(self, paths: Sequence[str] = ()) -> list[str]:
        """Paths that differ from the commit, and untracked ones; nested repositories end with /.

        Submodules do not count: git would have to run inside of them.
        """
        arguments = ["status", "--porcelain", "-z", "--untracked-files=all", "--no-renames"]
        arguments += ["--ignore-submodules=all", "--", *paths]
        excludes = user_excludes()
        ignored = [] if excludes is None else ["-c", f"core.excludesFile={excludes}"]
        entries = self._git(*ignored, *arguments).split("\0")
        listed = [(entry[:2], entry[3:]) for entry in entries if entry]
        touched = [path for code, path in listed if code == " M"]
        same = self._unchanged_lfs(touched) if touched else set()
        return list(dict.fromkeys(path for _, path in listed if path not in same))

    def links(self) -> dict[str, str]:
        """Path and commit of each submodule of the commit."""
        found = {}
        for entry in self._git("ls-tree", "-r", "-z", self.commit).split("\0"):
            words, _, path = entry.partition("\t")
            if words.startswith(_LINK) and is_inner_path(path):
                found[path] = words.split()[2]
        return found

    def difference(self, changed: Sequence[str]) -> str:
        """The binary diff from the commit to the working tree at the paths `changed`."""
        given = "".join(f"{path}\0" for path in changed if not path.endswith("/"))
        # All new contents in one pack: as many files as changed take far longer to make and remove.
        one_pack = ("-c", "core.bigFileThreshold=1", "-c", "core.compression=1")
        adding = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
        self._git(*one_pack, *adding, given=given)
        tree = self._git("write-tree").strip()
        return self._git("diff-tree", "-r", "-p", "--binary", "--no-renames", self.commit, tree)

    def apply(self, patch: str) -> None:
        """Apply a patch to the working tree, all of it or nothing; raises GitError."""
        self._git("apply", "--whitespace=nowarn", given=patch)

    def paths_of(self, patch: str) -> list[str]:
        """The paths that a patch touches; raises GitError when it is none."""
        listed = self._git("apply", "--numstat", "-z", given=patch).split("\0")
        return [entry.split("\t", 2)[2] for entry in listed if entry.count("\t") >= 2]

    def _unchanged_lfs(self, paths: Sequence[str]) -> set[str]:
        """Those of `paths` that hold what their pointer in the index names."""
        tracked = lfs.tracked(self.git_dir, self.root, paths)
        same = set()
        for path in tracked:
            pointer = try_git(["cat-file", "blob", f":{path}"], git_dir=self.git_dir)
            target = lfs.read_pointer(pointer.output)
            if target is not None and lfs.holds(self.root / path, target):
                same.add(path)
        return same

    def _git(self, *arguments: str, given: str = "") -> str:
        return git(
            arguments, git_dir=self.git_dir, work_tree=self.root, given=given, seconds=_SECONDS
        )


@contextmanager
def open_work_tree(repository: GitFolder, commit: str) -> Iterator[WorkTree]:
    """The working tree of `repository` against `commit`; raises GitError for a bare one."""
    if repository.root is None:
        raise GitError(f"{repository.common} has no working tree")
    with scratch_folder("git") as scratch:
        git_dir = scratch / ".git"
        borrow(repository, git_dir)
        (git_dir / "HEAD").write_text(f"{commit}\n")
        (git_dir / "info").mkdir(exist_ok=True)
        patterns = read_plain(repository.common / "info" / "exclude", _EXCLUDE_BYTES)
        (git_dir / "info" / "exclude").write_bytes(patterns or b"")
        if not _copy_index(repository.own, git_dir):
            git(["read-tree", commit], git_dir=git_dir)
        yield WorkTree(repository.root, git_dir, commit)


def _copy_index(own: Path, git_dir: Path) -> bool:
    """Copy the index, with its date: by that git tells which entries it must look at again."""
    names = ["index", *(path.name for path in own.glob("sharedindex.*"))]
    for name in names:
        content = read_inside(own, name, _INDEX_BYTES)
        if content is None:
            if name == "index":
                return False
            continue
        state = (own / name).stat()
        (git_dir / name).write_bytes(content)
        os.utime(git_dir / name, ns=(state.st_atime_ns, state.st_mtime_ns))
    return True
