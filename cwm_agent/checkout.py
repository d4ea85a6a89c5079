"""The user's checkout: read it, never write to it, unless a patch is to be applied.

The work happens in a copy: a new repository that holds the history of HEAD and
nothing else. So neither later commits nor ignored files (virtual environments,
`.env`) reach a sandbox, and the checkout may change while an attempt runs or
rests. No git command here takes a lock or writes an object into the checkout.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cwm_agent.errors import UsageError


@dataclass(frozen=True, slots=True)
class Checkout:
    """A state of a checkout: the commit, and what was not committed as a binary diff."""

    root: Path
    commit: str
    changes: str = ""

    def copy_to(self, target: Path) -> None:
        """Make the copy at `target`; raises UsageError when the commit is gone."""
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        _git(target, "init", "--quiet", "--template=", "--initial-branch=main")
        # Fetching by commit works for any commit that is still there, on a branch or not.
        server = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"
        fetched = _run(
            target,
            *("fetch", "--quiet", "--no-tags", "--update-shallow", "--no-write-fetch-head"),
            *(f"--upload-pack={server}", str(self.root), f"{self.commit}:refs/heads/main"),
            *("--update-head-ok",),
        )
        if fetched.returncode:
            raise UsageError(
                f"cannot copy commit {self.commit[:12]} from {self.root}: {_last_line(fetched)}; "
                "run `git fsck` there, or name another checkout with --repo"
            )
        _git(target, "reset", "--quiet", "--hard", "main")
        if self.changes:
            _git(target, "apply", "--index", "--whitespace=nowarn", input=self.changes)
            _git(
                target,
                *("-c", "user.name=cwm-agent", "-c", "user.email=cwm-agent@localhost"),
                *("-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify"),
                *("-m", "Uncommitted changes of the checkout"),
            )


def read_checkout(folder: Path, *, dirty: bool) -> Checkout:
    """The state of the checkout that `folder` is in.

    Raises UsageError when it is not a git repository, has no commit, or has
    uncommitted changes and `dirty` does not allow them.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}; name a git checkout with --repo")
    found = _run(folder, "rev-parse", "--show-toplevel")
    if found.returncode:
        reason = _last_line(found)
        if "not a git repository" not in reason:
            raise UsageError(f"git cannot read {folder}: {reason}")
        raise UsageError(
            f"{folder} is not a git repository; name one with --repo, "
            "or run `git init && git add -A && git commit -m start` there"
        )
    root = Path(found.stdout.removesuffix("\n"))
    head = _run(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if head.returncode:
        raise UsageError(f"{root} has no commit yet; commit the code first")
    commit = head.stdout.strip()
    changed = _git(root, "status", "--porcelain", "--untracked-files=all").splitlines()
    if changed and not dirty:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise UsageError(
            f"{root} has uncommitted changes ({changed[0][3:]}{more}); commit or stash them, "
            "or pass --dirty to start from them as they are"
        )
    return Checkout(root, commit, _uncommitted(root) if changed else "")


def apply_patch(checkout: Checkout, patch: str) -> list[str]:
    """Apply `patch` to the user's working tree (not to its index); returns the touched paths.

    Raises UsageError, having changed nothing, when the checkout has moved on
    since the attempt began or the touched files have changed.
    """
    head = _git(checkout.root, "rev-parse", "HEAD").strip()
    if head != checkout.commit:
        raise UsageError(
            f"not applied: {checkout.root} moved from {checkout.commit[:12]} to {head[:12]} "
            "since the attempt began; apply the patch by hand with `git apply -3`"
        )
    listed = _git(checkout.root, "apply", "--numstat", "-z", input=patch)
    paths = [entry.split("\t", 2)[2] for entry in listed.split("\0") if entry.count("\t") >= 2]
    arguments = ("status", "--porcelain", "--untracked-files=all", "--", *paths)
    if not checkout.changes and (changed := _git(checkout.root, *arguments).splitlines()):
        raise UsageError(
            f"not applied: {changed[0][3:]} has changed in {checkout.root} since the attempt "
            "began; commit or stash it and apply the patch by hand"
        )
    applied = _run(checkout.root, "apply", "--whitespace=nowarn", input=patch)
    if applied.returncode:
        raise UsageError(
            f"not applied: {_last_line(applied)}; apply the patch by hand with `git apply -3`"
        )
    return paths


def _uncommitted(root: Path) -> str:
    """Everything that `git add -A` would commit, as a binary diff, with a throw-away index."""
    with tempfile.TemporaryDirectory(prefix="cwm-agent-index-") as scratch:
        objects = Path(_git(root, "rev-parse", "--git-path", "objects").strip())
        private = {
            "GIT_INDEX_FILE": str(Path(scratch) / "index"),
            "GIT_OBJECT_DIRECTORY": str(Path(scratch) / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str((root / objects).resolve()),
        }
        (Path(scratch) / "objects").mkdir()
        _git(root, "read-tree", "HEAD", extra=private)
        _git(root, "add", "--all", extra=private)
        return _git(root, "diff", "--cached", "--binary", "HEAD", extra=private)


def _git(
    folder: Path, *arguments: str, input: str | None = None, extra: dict[str, str] | None = None
) -> str:
    finished = _run(folder, *arguments, input=input, extra=extra)
    if finished.returncode:
        raise UsageError(f"git {arguments[0]} failed in {folder}: {_last_line(finished)}")
    return finished.stdout


def _run(
    folder: Path, *arguments: str, input: str | None = None, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    plain = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    settings = (
        *("-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null"),
        *("-c", "core.fsmonitor=false", "-c", "core.quotePath=false"),
        *("-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false"),
    )
    try:
        return subprocess.run(
            ["git", *settings, *arguments],
            cwd=folder,
            input=input,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            env={**inherited, **plain, **(extra or {})},
            check=False,
        )
    except FileNotFoundError as error:
        raise UsageError("the program git is missing; install git") from error


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    lines = finished.stderr.strip().splitlines()
    return lines[-1] if lines else f"exit code {finished.returncode}"
