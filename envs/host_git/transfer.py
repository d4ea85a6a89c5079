"""A repository of this host into a sandbox."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from shlex import quote

from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox

LFS_FILES = "lfs-files"
"""In a git directory: contents to be written over the Git LFS pointers of the working tree."""
_SECONDS = 1800.0
_GIT = (
    "GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1 HOME=/dev/null "
    "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.autocrlf=false "
    "-c gc.auto=0 -c 'safe.directory=*'"
)


def put_repository(sandbox: Sandbox, source: Path, root: str) -> None:
    """Copy the repository `source` to `root` of an open sandbox; raises SandboxError.

    One whose files are still packed (it has no index) is checked out there:
    one pack travels faster than many files.
    """
    sandbox.put_tree(str(source), root)
    for folder in _packed(source):
        place = posixpath.normpath(posixpath.join(root, folder))
        result = sandbox.control(_check_out(place), timeout=_SECONDS)
        if result.ending != "exited" or result.exit_code:
            lines = result.output.strip().splitlines() or [result.ending]
            raise SandboxError(
                f"the files of {place} cannot be checked out in the sandbox: {lines[-1]}",
                cause=result.cause or "setup",
            )


def _packed(source: Path) -> list[str]:
    """The folders of `source`, from the top down, that hold nothing but a git directory as yet."""
    if not (source / ".git" / "HEAD").is_file() or (source / ".git" / "index").exists():
        return []
    found = []
    for folder, names, _ in os.walk(source):
        if ".git" in names:
            names.remove(".git")
            found.append(Path(folder).relative_to(source).as_posix())
        names.sort()
    return found


def _check_out(place: str) -> str:
    """Write the files of HEAD; Git LFS contents come after, unseen by the repository's own git."""
    return f"""set -e
cd {quote(place)}
{_GIT} reset --quiet --hard
if [ -d .git/{LFS_FILES} ]; then
    cp -R .git/{LFS_FILES}/. .
    (cd .git/{LFS_FILES} && find . -type f -print0) | sed -z 's|^\\./||' |
        {_GIT} update-index --assume-unchanged -z --stdin
    rm -rf .git/{LFS_FILES}
fi
"""
