"""A repository on this host, read as data: where it is, its HEAD, its refs, its object format.

Nothing here runs git in the repository or heeds its settings, but for the one
that says how its objects are named. Files are read only if they are plain and of
a sensible size: a pipe in their place would hang, and a device would not end. What
leads out of the checkout is followed only if the git directory there says that the
checkout is its working tree: a checkout must not pass another repository off as its own.
Formats: gitrepository-layout(5), git-worktree(1), git-pack-refs(1).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from envs.errors import GitError
from envs.host_git.git import try_git

OBJECT_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_REF = re.compile(r"ref:[ \t]*(\S+)")
_SMALL = 64 * 2**10
_LARGE = 256 * 2**20
_HOPS = 5


@dataclass(frozen=True, slots=True)
class GitFolder:
    """`own` holds HEAD and the index (of one worktree), `common` the objects and refs.

    `root` is the working tree, None for a bare repository. `object_format` is
    "sha1" or "sha256".
    """

    root: Path | None
    own: Path
    common: Path
    object_format: str

    @property
    def objects(self) -> Path:
        """The folder of the object database."""
        return self.common / "objects"

    @property
    def is_partial(self) -> bool:
        """Whether it is a partial clone: git fetches what it lacks when it is asked for."""
        return any(self.objects.glob("pack/*.promisor"))

    def head(self) -> str | None:
        """The commit that is checked out, None before the first one; raises GitError."""
        return self.resolve("HEAD")

    def resolve(self, name: str) -> str | None:
        """The object id of `HEAD` or of a full ref name, None where there is none."""
        packed: dict[str, str] | None = None
        for _ in range(_HOPS):
            if name != "HEAD" and not _is_ref_name(name):
                return None
            text = self.read_own(name, _SMALL)
            if text is None and name != "HEAD":
                text = self.read_common(name, _SMALL)
            if text is None:
                packed = self._packed() if packed is None else packed
                return packed.get(name)
            value = text.decode("utf-8", "surrogateescape").strip()
            if OBJECT_ID.fullmatch(value):
                return value
            symbolic = _REF.fullmatch(value)
            if symbolic is None:
                raise GitError(f"{name} of {self.common} is damaged: {value[:60]!r}")
            name = symbolic[1]
        raise GitError(f"the refs of {self.common} form a circle; see `git fsck` there")

    def read_own(self, name: str, most: int) -> bytes | None:
        """A plain file of the worktree's own part, as `read_inside` reads it."""
        return read_inside(self.own, name, most)

    def read_common(self, name: str, most: int) -> bytes | None:
        """The same of the part that all worktrees share."""
        return read_inside(self.common, name, most)

    def refs(self) -> dict[str, str]:
        """All refs with the object ids that they lead to."""
        found = self._packed()
        for name in self._loose():
            if (value := self.resolve(name)) is not None:
                found[name] = value
        return found

    def shallow(self) -> str:
        """The commits at which the history was cut off, one a line."""
        lines = (self.read_common("shallow", _LARGE) or b"").decode("ascii", "replace")
        return "".join(f"{line}\n" for line in lines.split() if OBJECT_ID.fullmatch(line))

    def _packed(self) -> dict[str, str]:
        text = self.read_common("packed-refs", _LARGE) or b""
        found = {}
        for line in text.decode("utf-8", "surrogateescape").splitlines():
            value, _, name = line.partition(" ")
            if OBJECT_ID.fullmatch(value) and _is_ref_name(name):
                found[name] = value
        return found

    def _loose(self) -> Iterator[str]:
        for folder, _, names in os.walk(self.common / "refs"):  # links to folders are not followed
            for name in names:
                ref = (Path(folder) / name).relative_to(self.common).as_posix()
                if _is_ref_name(ref):
                    yield ref


def find_repository(folder: Path) -> GitFolder | None:
    """The repository whose working tree `folder` is in; None when there is none.

    Raises GitError for one that cannot be read, with the reason.
    """
    for place in (folder.resolve(), *folder.resolve().parents):
        if (found := repository_at(place)) is not None:
            return found
    return None


def repository_at(root: Path) -> GitFolder | None:
    """The repository with its working tree at exactly `root`; raises like `find_repository`."""
    marker = root / ".git"
    if marker.is_dir():
        if not is_git_folder(marker):
            return None
        return _belonging(open_git_folder(marker.resolve(), root), marker)
    text = read_plain(marker, _SMALL)
    if text is None:
        return None
    key, _, place = text.decode("utf-8", "surrogateescape").rstrip("\r\n").partition(": ")
    own = root / place
    if key != "gitdir" or "\0" in place or not is_git_folder(own):
        raise GitError(
            f"{marker} leads to {place or 'nowhere'}, which is not a git directory; was the "
            "repository moved? (`git worktree repair` repairs a moved worktree)"
        )
    return _belonging(open_git_folder(own.resolve(), root), marker)


def _belonging(found: GitFolder, marker: Path) -> GitFolder:
    """`found` if it is in the working tree, or names it as git does; raises GitError."""
    assert found.root is not None
    root = found.root.resolve()
    if found.own.is_relative_to(root):
        return found
    if found.own != found.common:  # of a linked worktree
        said = read_inside(found.own, "gitdir", _SMALL)
    else:
        said = (_settings(found.common).get("core.worktree") or "").encode(errors="surrogateescape")
    place = os.fsdecode(said or b"").rstrip("\r\n")
    if place and "\0" not in place and (found.own / place).resolve() in (root, root / ".git"):
        return found
    raise GitError(
        f"{marker} leads to {found.own}, which does not name {root} as its working tree; if it "
        f"is yours, say so there with `git --git-dir={found.own} config core.worktree {root}` "
        "(`git worktree repair` for a moved worktree)"
    )


def open_git_folder(own: Path, root: Path | None) -> GitFolder:
    """The repository in a git directory; raises GitError for a format that is not known here."""
    common = _common(own)
    settings = _settings(common)
    if (common / "reftable").is_dir() or settings.get("extensions.refstorage") == "reftable":
        raise GitError(
            f"{common} keeps its refs in the reftable format, which is not read here; change it "
            "with `git refs migrate --ref-format=files`"
        )
    object_format = settings.get("extensions.objectformat", "sha1")
    if object_format not in ("sha1", "sha256"):
        raise GitError(
            f"{common} uses the object format {object_format!r}; only sha1 and sha256 are supported"
        )
    return GitFolder(root, own, common, object_format)


def is_git_folder(folder: Path) -> bool:
    """Whether a folder looks like a git directory, be it that of a linked worktree."""
    if not os.path.lexists(folder / "HEAD"):
        return False
    return (_common(folder) / "objects").is_dir()


def read_plain(path: Path, most: int) -> bytes | None:
    """The content of a plain file of at most `most` bytes, None where there is none such."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or state.st_size > most:
            return None
        return file.read(most)


def read_inside(folder: Path, name: str, most: int) -> bytes | None:
    """`read_plain` of a file in a git directory; raises GitError where links lead out of it."""
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a circle of links
        return None
    if not inside and os.path.lexists(path):
        raise GitError(
            f"{path} leads out of its git directory to {path.resolve()}; make a copy without such "
            "links (`git clone --no-local`) and name that"
        )
    return read_plain(path, most) if inside else None


def is_inner_path(path: str) -> bool:
    """Whether a path of a tree stays below the root and out of git directories."""
    parts = PurePosixPath(path).parts
    forbidden = {"..", "/", ".git"}
    return bool(parts) and not any(part.lower() in forbidden for part in parts)


def _common(own: Path) -> Path:
    """Where the objects are: two folders up for a linked worktree, where git puts its part."""
    text = read_plain(own / "commondir", _SMALL)
    if text is None:
        return own
    place = text.decode("utf-8", "surrogateescape").rstrip("\r\n")
    folder = own.resolve().parent
    if "\0" in place or folder.name != "worktrees" or (own / place).resolve() != folder.parent:
        raise GitError(
            f"{own / 'commondir'} leads to {place}, but {own} is no linked worktree of that; "
            "remove the file, or make the worktree anew with `git worktree add`"
        )
    return folder.parent


def _settings(common: Path) -> dict[str, str]:
    """The extensions of the format, and core.worktree, without anything that the file includes."""
    text = read_inside(common, "config", _SMALL) or b""
    wanted = r"^(extensions\..*|core\.worktree)$"
    listing = ["config", "--file", "-", "--no-includes", "--null", "--get-regexp", wanted]
    done = try_git(listing, given=text.decode("utf-8", "surrogateescape"), seconds=60.0)
    if done.code > 1:  # 1: there are none
        raise GitError(f"the configuration of {common} is damaged: {done.reason}")
    pairs = (entry.partition("\n") for entry in done.output.split("\0"))
    return {
        key.lower(): value.lower() if key.startswith("extensions") else value
        for key, _, value in pairs
    }


def _is_ref_name(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return parts[:1] == ("refs",) and len(parts) > 1 and ".." not in parts and "\0" not in name
