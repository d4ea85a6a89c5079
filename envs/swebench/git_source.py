"""One commit of a repository, with its past and nothing of its future."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from envs.errors import GitError, SandboxError
from envs.host_git import lfs
from envs.host_git.borrow import borrow
from envs.host_git.folder import OBJECT_ID, GitFolder, is_git_folder, open_git_folder, repository_at
from envs.host_git.git import Finished, remote_git, try_git
from envs.sandbox.owner import scratch_folder

FETCH_SECONDS = 3600.0


def resolve_commit(source: str, commit: str) -> str:
    """The full id of `commit` in a local repository or at an address; raises SandboxError.

    An address is asked only for names of branches and tags; a full id is taken as it is.
    """
    if OBJECT_ID.fullmatch(commit):
        return commit
    with _readable(source) as (where, local):
        if local is not None:
            asked = ["rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}"]
            return _output(
                try_git(asked, git_dir=Path(where)),
                f"{source} has no commit {commit}; give an id, branch or tag of that repository",
            ).strip()
        found = _refs_at(where, local, commit, f"{commit}^{{}}")
    wanted = (f"refs/tags/{commit}^{{}}", f"refs/heads/{commit}", f"refs/tags/{commit}", commit)
    for name in wanted:
        if name in found:
            return found[name]
    raise SandboxError(
        f"{source} has no branch or tag {commit}; give a full commit id (40 hex digits)"
    )


def export_commit(
    source: str, commit: str, target: Path, *, depth: int | None = None
) -> tuple[str, ...]:
    """Make `target` a repository whose only branch, `main`, ends at the full id `commit`.

    Tags that its history reaches come along (versions are derived from them), and contents of Git
    LFS that a local `source` has. `depth` limits how many commits of the past are kept. Returns
    what the user should know; raises SandboxError. Nothing that a local repository says is run.
    """
    target = target.absolute()
    kind = "sha256" if len(commit) == 64 else "sha1"
    made = ["init", "--quiet", "--template=", f"--object-format={kind}", "-b", "main"]
    _output(try_git([*made, "--", str(target)]), "git init failed")
    git_dir = target / ".git"
    with _readable(source) as (where, local):
        shallow = [] if depth is None else [f"--depth={depth}"]
        fetching = ["--git-dir", str(git_dir), "fetch", "--quiet", "--no-tags", *shallow]
        partial = local is not None and local.is_partial and depth is None
        _output(
            _fetch([*fetching, "--", where, commit], local),
            f"the commit {commit} cannot be fetched from {source}; check that it is there and, "
            "for an address, the network"
            + (": it is a partial clone, so leave its past out with --depth 1" if partial else ""),
        )
        checking_out = ["reset", "--quiet", "--hard", commit]
        done = try_git(checking_out, git_dir=git_dir, work_tree=target)
        _output(done, "the commit cannot be checked out")
        _copy_tags(_refs_at(where, local, "--tags"), git_dir)
        notices = lfs.fill(git_dir, commit, target, None if local is None else local.common)
    (git_dir / "FETCH_HEAD").unlink(missing_ok=True)
    shutil.rmtree(git_dir / "logs", ignore_errors=True)
    return notices


@contextmanager
def _readable(source: str) -> Iterator[tuple[str, GitFolder | None]]:
    """What git may be given instead of `source`: a git directory of ours, or the address itself."""
    local = _local_repository(source)
    if local is None:
        yield source, None
        return
    with scratch_folder("git") as folder:
        git_dir = folder / ".git"
        borrow(local, git_dir)
        names = {**local.refs(), "HEAD": local.head()}
        head = names.pop("HEAD")
        (git_dir / "packed-refs").write_bytes(
            "".join(f"{value} {name}\n" for name, value in sorted(names.items()))
            .encode("utf-8", "surrogateescape")
        )  # fmt: skip
        if head is not None:
            (git_dir / "HEAD").write_text(f"{head}\n")
        yield str(git_dir), local


def _local_repository(source: str) -> GitFolder | None:
    """The repository in a folder or behind a file:// address, None for other addresses."""
    parts = urlsplit(source) if source.startswith("file://") else None
    folder = Path(unquote(parts.path) if parts is not None else source)
    if parts is None and not folder.is_dir():
        return None
    folder = folder.resolve()
    found = repository_at(folder)
    if found is None and is_git_folder(folder):
        found = open_git_folder(folder, None)
    if found is None:
        raise GitError(f"{source} is not a git repository; check the address")
    return found


def _copy_tags(listed: dict[str, str], git_dir: Path) -> None:
    done = try_git(["rev-list", "HEAD"], git_dir=git_dir)
    history = set(_output(done, "git rev-list failed").split())
    tags = {}
    for name, commit in listed.items():  # an annotated tag has a second line, with its commit
        tags[name.removesuffix("^{}")] = commit
    commands = [f"create {name} {commit}\n" for name, commit in tags.items() if commit in history]
    done = try_git(["update-ref", "--stdin"], git_dir=git_dir, given="".join(commands))
    _output(done, "tags cannot be made")


def _refs_at(where: str, local: GitFolder | None, *wanted: str) -> dict[str, str]:
    flags = [word for word in wanted if word == "--tags"]
    patterns = [word for word in wanted if word != "--tags"]
    done = _fetch(["ls-remote", *flags, "--", where, *patterns], local)
    listing = _output(
        done, f"the repository {where} does not answer; check the address and the network"
    )
    pairs = (line.partition("\t") for line in listing.splitlines())
    return {name: value for value, _, name in pairs}


def _fetch(arguments: Sequence[str], local: GitFolder | None) -> Finished:
    """Talk to our own git directory without any setting, or to an address with the user's."""
    if local is None:
        return remote_git(arguments, seconds=FETCH_SECONDS)
    return try_git(arguments, variables={"GIT_ALLOW_PROTOCOL": "file"}, seconds=FETCH_SECONDS)


def _output(done: Finished, otherwise: str) -> str:
    if done.code:
        raise SandboxError(f"{otherwise} (git: {done.reason})")
    return done.output
