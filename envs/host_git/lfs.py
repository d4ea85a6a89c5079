"""Git LFS without running it: what its pointers name, taken from the objects that are here.

Formats: git-lfs docs/spec.md (pointers; where objects lie). The program itself
is not run, because `.lfsconfig` and the repository's settings steer it to
addresses and programs of their choice.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.host_git.folder import is_inner_path
from envs.host_git.git import git

POINTER_BYTES = 1024
"""The specification's upper bound for the size of a pointer."""
_POINTER = re.compile(
    r"version https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ .*\n)*?"
    r"oid sha256:([0-9a-f]{64})\n(?:[a-z0-9.-]+ .*\n)*?size (\d+)\n"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a pointer stands for: SHA-256 and size in bytes."""

    oid: str
    size: int


def read_pointer(text: str) -> Target | None:
    """The target of a pointer, None when `text` is none."""
    if len(text) > POINTER_BYTES:
        return None
    found = _POINTER.fullmatch(text)
    return Target(found[1], int(found[2])) if found else None


def tracked(
    git_dir: Path,
    work_tree: Path | None,
    paths: Sequence[str],
    variables: Mapping[str, str] | None = None,
) -> list[str]:
    """Those of `paths` whose attributes in the index (`work_tree` None) or tree say LFS."""
    asked = ["check-attr", "-z", "--stdin", "filter"]
    if work_tree is None:
        asked.insert(1, "--cached")
    given = "".join(f"{path}\0" for path in paths)
    done = git(asked, git_dir=git_dir, work_tree=work_tree, given=given, variables=variables)
    words = done.split("\0")
    return [words[i] for i in range(0, len(words) - 2, 3) if words[i + 2] == "lfs"]


def pointers(git_dir: Path, commit: str) -> dict[str, Target]:
    """Path and target of each pointer in the tree of `commit`."""
    listed = git(["ls-tree", "-r", "-l", "-z", commit], git_dir=git_dir).split("\0")
    sizes = {}
    for entry in listed:
        words, _, path = entry.partition("\t")
        if words.startswith("100") and is_inner_path(path):
            sizes[path] = int(words.split()[3])
    if not any(path.rpartition("/")[2] == ".gitattributes" for path in sizes):
        return {}
    index = git_dir.absolute() / "index-for-lfs"
    variables = {"GIT_INDEX_FILE": str(index)}
    git(["read-tree", commit], git_dir=git_dir, variables=variables)
    asked = tracked(git_dir, None, [p for p, n in sizes.items() if n <= POINTER_BYTES], variables)
    index.unlink()
    texts = {path: git(["cat-file", "blob", f"{commit}:{path}"], git_dir=git_dir) for path in asked}
    found = {path: read_pointer(text) for path, text in texts.items()}
    return {path: target for path, target in found.items() if target is not None}


def fill(git_dir: Path, commit: str, place: Path, common: Path | None) -> tuple[str, ...]:
    """Write to `place` what the pointers of `commit` name, from the repository in `common`.

    Returns a notice about what is not there.
    """
    targets = pointers(git_dir, commit)
    taken = [
        path
        for path, target in targets.items()
        if common is not None and take(common, target, place / path)
    ]
    missing = [path for path in targets if path not in taken]
    if not missing:
        return ()
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    return (
        f"not fetched by Git LFS, so only its pointer is there: {missing[0]}{more} "
        "(`git lfs pull` in the checkout fetches it)",
    )


def take(common: Path, target: Target, place: Path) -> bool:
    """Copy an object that the repository in `common` has to `place`; False when it has it not."""
    source = common / "lfs" / "objects" / target.oid[:2] / target.oid[2:4] / target.oid
    if not holds(source, target):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    return True


def holds(path: Path, target: Target) -> bool:
    """Whether a plain file has the size and the digest of `target`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (OSError, ValueError):
        return False
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size != target.size:
            return False
        return hashlib.file_digest(file, "sha256").hexdigest() == target.oid
