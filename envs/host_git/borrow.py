"""Git directories of our own that borrow the objects of a repository on this host."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from envs.errors import GitError
from envs.host_git.folder import GitFolder, read_plain
from envs.host_git.git import git, try_git

HISTORY_LEFT_OUT = (
    "the checkout is a partial clone, so its history is left out: only the commit itself is copied"
)
BORROWED = "borrowed"
"""In a git directory of ours: links to the objects of others."""
_LOOSE = re.compile(r"[0-9a-f]{2}")
_DEEPEST = 5
_MOST_STORES = 100
_ALTERNATES_BYTES = 2**20
_ESCAPES = {
    b"n": b"\n",
    b"t": b"\t",
    b"r": b"\r",
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"v": b"\v",
}


def borrow(repository: GitFolder, git_dir: Path) -> None:
    """Make `git_dir` a git directory without refs that sees all objects of `repository`."""
    kind = f"--object-format={repository.object_format}"
    made = ["init", "--quiet", "--template=", "--initial-branch=main", kind]
    git([*made, "--", str(git_dir.parent.absolute())])
    (git_dir / "objects" / "info").mkdir(exist_ok=True)
    alternates = git_dir / "objects" / "info" / "alternates"
    own = [
        _stripped(place, git_dir / BORROWED / str(n)) for n, place in enumerate(stores(repository))
    ]
    alternates.write_bytes(b"".join(_quoted(os.fsencode(place)) + b"\n" for place in own))
    if shallow := repository.shallow():
        (git_dir / "shallow").write_text(shallow)


def stores(repository: GitFolder) -> list[Path]:
    """The object folders of a repository: its own, and those that its alternates name.

    git follows `info/alternates` from folder to folder, five deep, and reads there whatever it
    finds, be it a pipe or a device; so it never sees that file. Raises GitError.
    """
    found = list[Path]()
    waiting = [(repository.objects.resolve(), 0)]
    while waiting and len(found) < _MOST_STORES:
        folder, depth = waiting.pop(0)
        if folder in found or not folder.is_dir():
            continue
        found.append(folder)
        if depth < _DEEPEST:
            lines = (read_plain(folder / "info" / "alternates", _ALTERNATES_BYTES) or b"").split(
                b"\n"
            )
            waiting += [
                ((folder / os.fsdecode(_unquoted(line))).resolve(), depth + 1)
                for line in lines
                if line and not line.startswith(b"#") and b"\0" not in line
            ]
    return found


def _stripped(store: Path, place: Path) -> Path:
    """At `place`, the loose objects and packs of an object folder, without its `info`."""
    place.mkdir(parents=True)
    for path in store.iterdir():
        if path.name == "pack" or _LOOSE.fullmatch(path.name):
            (place / path.name).symlink_to(path)
    return place.absolute()


def copy_history(repository: GitFolder, commit: str, git_dir: Path) -> tuple[str, ...]:
    """Make `git_dir` a git directory of its own whose branch `main` ends at `commit`.

    It holds what `commit` reaches, and nothing else.
    Returns what the user should know. Raises GitError when objects are missing.
    """
    borrow(repository, git_dir)
    if try_git(["cat-file", "-e", f"{commit}^{{commit}}"], git_dir=git_dir).code:
        raise GitError(f"there is no commit {commit[:12]} in {repository.common}")
    notices = _pack(repository, commit, git_dir) + _outside(repository)
    (git_dir / "objects" / "info" / "alternates").unlink()
    shutil.rmtree(git_dir / BORROWED)
    git(["update-ref", "refs/heads/main", commit], git_dir=git_dir)
    shutil.rmtree(git_dir / "logs", ignore_errors=True)
    return notices


def _outside(repository: GitFolder) -> tuple[str, ...]:
    """Say where objects came from that the repository only names."""
    common = repository.common.resolve()
    others = [place for place in stores(repository) if not place.is_relative_to(common)]
    if not others:
        return ()
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return (f"objects were also taken from {others[0]}{more}, which the checkout's objects name",)


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


def _quoted(place: bytes) -> bytes:
    """A path as a line of `objects/info/alternates` (gitrepository-layout(5))."""
    if not place.startswith((b"#", b'"')) and b"\n" not in place:
        return place
    escaped = place.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _unquoted(line: bytes) -> bytes:
    """The path that such a line names, also in the form that git quotes."""
    if not (len(line) > 1 and line.startswith(b'"') and line.endswith(b'"')):
        return line

    def one(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return bytes([int(code, 8) & 255]) if len(code) == 3 else _ESCAPES.get(code, code)

    return re.sub(rb"\\([0-7]{3}|.)", one, line[1:-1])
