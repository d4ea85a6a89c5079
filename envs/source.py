"""One commit of a repository, with its past and nothing of its future."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from envs.errors import SandboxError

FULL_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
FETCH_SECONDS = 3600.0


def resolve_commit(source: str, commit: str) -> str:
    """The full id of `commit` in a local repository or at an address; raises SandboxError.

    An address is asked only for names of branches and tags; a full id is taken as it is.
    """
    if FULL_ID.fullmatch(commit):
        return commit
    if Path(source).is_dir():
        return _git(
            ["-C", source, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}"],
            f"{source} has no commit {commit}; give an id, branch or tag of that repository",
        ).strip()
    listing = _git(
        ["ls-remote", "--", source, commit, f"{commit}^{{}}"],
        f"the repository {source} does not answer; check the address and the network",
    )
    pairs = (line.partition("\t") for line in listing.splitlines())
    found = {name: commit_id for commit_id, _, name in pairs}
    wanted = (f"refs/tags/{commit}^{{}}", f"refs/heads/{commit}", f"refs/tags/{commit}", commit)
    for name in wanted:
        if name in found:
            return found[name]
    raise SandboxError(
        f"{source} has no branch or tag {commit}; give a full commit id (40 hex digits)"
    )


def export_commit(source: str, commit: str, target: Path, *, depth: int | None = None) -> None:
    """Make `target` a repository whose only branch, `main`, ends at `commit`.

    Tags that its history reaches come along (versions are derived from them).
    `depth` limits how many commits of the past are kept. Raises SandboxError.
    """
    where = str(Path(source).resolve()) if Path(source).is_dir() else source
    _git(["init", "--quiet", "--template=", "-b", "main", str(target)], "git init failed")
    inside = ["-C", str(target)]
    shallow = [] if depth is None else [f"--depth={depth}"]
    _git(
        [*inside, "fetch", "--quiet", "--no-tags", *shallow, "--", where, commit],
        f"the commit {commit} cannot be fetched from {source}; check that it is there and, for "
        "an address, the network",
    )
    _git([*inside, "reset", "--quiet", "--hard", commit], "the commit cannot be checked out")
    _copy_tags(where, target)
    (target / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
    shutil.rmtree(target / ".git" / "logs", ignore_errors=True)


def _copy_tags(source: str, target: Path) -> None:
    listing = _git(["ls-remote", "--tags", "--", source], f"{source} does not list its tags")
    history = set(_git(["-C", str(target), "rev-list", "HEAD"], "git rev-list failed").split())
    tags = {}
    for line in listing.splitlines():  # an annotated tag has a second line, with its commit
        commit, _, name = line.partition("\t")
        tags[name.removesuffix("^{}")] = commit
    commands = [f"create {name} {commit}\n" for name, commit in tags.items() if commit in history]
    _git(["-C", str(target), "update-ref", "--stdin"], "tags cannot be made", "".join(commands))


def _git(arguments: list[str], otherwise: str, given: str = "") -> str:
    """Output of git; it never asks for a password, and no variable leads it elsewhere."""
    if shutil.which("git") is None:
        raise SandboxError("git is not installed; install it (apt-get install git)")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
    } | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", *arguments]
    try:
        done = subprocess.run(
            command, env=environment, input=given, capture_output=True, text=True,
            errors="replace", check=False, timeout=FETCH_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise SandboxError(f"{otherwise} (git took more than an hour)") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise SandboxError(f"{otherwise} (git: {said[-1] if said else done.returncode})")
    return done.stdout
