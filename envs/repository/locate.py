"""Where an image has the repository, when nobody says it."""

from __future__ import annotations

from pathlib import PurePosixPath
from shlex import quote

from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox

SECONDS = 120.0
DEPTH = 5
"""How deep repositories are looked for; `/home/USER/src/PROJECT/.git` is found."""
_NOT_HERE = ("/proc", "/sys", "/dev", "/usr", "/lib", "/var/lib", "/var/cache")


def find_repository(sandbox: Sandbox, working_folder: str) -> str:
    """The folder of the repository in an open sandbox of an image.

    It is the one that the image's working folder (WORKDIR) is in, else the only
    one there, else that working folder if it has files. Folders whose name
    begins with a dot (tools in a home) and repositories in others (submodules)
    do not count. Raises SandboxError with the remedy when that names no folder.
    """
    found = _repositories(sandbox)
    here = PurePosixPath(working_folder or "/")
    around = [root for root in found if here.is_relative_to(root)]
    if around:
        return around[0]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        raise SandboxError(
            f"the image has {len(found)} git repositories ({listed}); name the one to work in "
            "with --workdir (or workdir in a task file)",
            cause="setup",
        )
    if here.is_absolute() and str(here) != "/" and has_files(sandbox, str(here)):
        return str(here)
    raise SandboxError(
        "the image has no git repository; name the folder of the code with --workdir (or workdir "
        "in a task file), or give a checkout with --repo",
        cause="setup",
    )


def has_files(sandbox: Sandbox, folder: str) -> bool:
    """Whether there is anything in `folder`."""
    command = f"find {quote(folder)}/ -mindepth 1 -maxdepth 1 -print -quit 2>/dev/null"
    return bool(sandbox.control(command, timeout=SECONDS).output.strip())


def _repositories(sandbox: Sandbox) -> list[str]:
    pruned = " -o ".join(f"-path {path}" for path in _NOT_HERE)
    command = (
        f"find / -maxdepth {DEPTH} \\( {pruned} -o -name '.?*' ! -name .git \\) -prune "
        "-o -name .git -print -prune 2>/dev/null | sort"
    )
    lines = sandbox.control(command, timeout=SECONDS).output.splitlines()
    roots = [PurePosixPath(line).parent for line in lines]
    outermost = [root for root in roots if not any(other in root.parents for other in roots)]
    return [str(root) for root in outermost]
