"""git on this host, blind to what a repository wants it to do.

A repository can name programs in its configuration and attributes (filters,
external diffs, hooks, fsmonitor, ssh and credential commands), and git runs
them while it merely looks. So no git here ever works in a repository's own git
directory: `envs.host_git.folder` reads that as data, and git gets a directory of ours
that borrows the objects. This module closes the other ways in: the environment,
the user's and the system's settings, the network, prompts, and time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.errors import GitError

SECONDS = 600.0
"""Most that one call may take: the history of a very large repository is packed in less."""

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.commitGraph": "false",
    "core.autocrlf": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "diff.ignoreSubmodules": "all",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
_NO_PROMPTS = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
}
_CLOSED = _NO_PROMPTS | {
    # Where there is no home there are no settings, also for git before 2.32.
    "HOME": os.devnull,
    "XDG_CONFIG_HOME": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_SSH_COMMAND": "false",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
}
_KEPT = ("TMPDIR", "TMP", "TEMP")


@dataclass(frozen=True, slots=True)
class Finished:
    """How a call of git ended. `output` are bytes as text, unknown ones as lone surrogates."""

    code: int
    output: str
    said: str

    @property
    def reason(self) -> str:
        """The last line that git wrote to standard error, or its exit code."""
        lines = self.said.strip().splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


def try_git(
    arguments: Sequence[str],
    *,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    given: str = "",
    variables: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Finished:
    """Run git on `git_dir`, a directory of ours, without any setting but its own.

    Raises GitError when git is missing or takes more than `seconds`.
    """
    environment = _CLOSED | {name: os.environ[name] for name in _KEPT if name in os.environ}
    if git_dir is not None:
        environment["GIT_DIR"] = str(git_dir.absolute())
    if work_tree is not None:
        environment["GIT_WORK_TREE"] = str(work_tree.absolute())
    where = "/" if work_tree is None else str(work_tree)
    return _run(arguments, environment | dict(variables or {}), given, seconds, where)


def git(
    arguments: Sequence[str],
    *,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    given: str = "",
    variables: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> str:
    """The output of `try_git`; raises GitError when git fails, too."""
    done = try_git(
        arguments, git_dir=git_dir, work_tree=work_tree, given=given, variables=variables,
        seconds=seconds,
    )  # fmt: skip
    if done.code:
        raise GitError(f"git {arguments[0]}: {done.reason}")
    return done.output


def remote_git(arguments: Sequence[str], *, seconds: float) -> Finished:
    """Run git with an address: the user's own settings and network, but nothing that asks.

    `ext::` and other protocols that are programs stay closed, whatever the settings say.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(("GIT_SSL_", "GIT_SSH", "GIT_PROXY"))
    }
    protocols = {"GIT_ALLOW_PROTOCOL": "git:http:https:ssh"}
    return _run(arguments, kept | _NO_PROMPTS | protocols, "", seconds)


def user_excludes() -> Path | None:
    """The user's own file of patterns to ignore (`core.excludesFile`), where there is one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"):
        if name in os.environ:
            kept[name] = os.environ[name]
    # Without a git directory only the system's and the user's settings are read.
    nowhere = {"GIT_DIR": os.devnull}
    asked = ["config", "--type=path", "--get", "core.excludesFile"]
    named = _run(asked, kept | _NO_PROMPTS | nowhere, "", 60.0).output.removesuffix("\n")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path("~/.config").expanduser())
    path = Path(named or Path(home) / "git" / "ignore")
    return path if path.is_absolute() and path.is_file() else None


def program() -> str:
    """The path of git; a relative entry of PATH, which may be the repository, does not count.

    Raises GitError when there is none.
    """
    found = shutil.which("git", path=search_path())
    if found is None:
        raise GitError("the program git is missing; install git (apt-get install git)")
    return found


def search_path() -> str:
    """PATH without its relative entries."""
    entries = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if Path(entry).is_absolute())


def _run(
    arguments: Sequence[str],
    environment: dict[str, str],
    given: str,
    seconds: float,
    folder: str = "/",
) -> Finished:
    settings = [word for key, value in _SETTINGS.items() for word in ("-c", f"{key}={value}")]
    command = [program(), "--no-pager", *settings, *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment | {"PATH": search_path()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            output, said = process.communicate(os.fsencode(given), timeout=seconds)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise GitError(
                    f"git {arguments[0]} took more than {seconds:.0f} s and was ended; is a file "
                    "of the repository a device, a pipe, or on a file system that hangs?"
                ) from error
            raise
    return Finished(
        process.returncode,
        output.decode("utf-8", "surrogateescape"),
        said.decode("utf-8", "replace"),
    )
