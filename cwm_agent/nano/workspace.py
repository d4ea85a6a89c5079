"""A repository in memory that answers the few commands of the expert like a real one.

The real tools act on it. Only commands are computed here instead of by a
shell; a test runs the same conversations in a real sandbox and compares every
observation.
"""

from __future__ import annotations

import posixpath
import re

from cwm_agent.generated.probes import Outcome, TooSlowError, outcomes
from cwm_agent.nano.gitdiff import git_diff, lines_of
from tools.workspace import CommandResult, PathKind

ROOT = "/testbed"
PATCH = "/tmp/fix.patch"
SAVE_PATCH = f"git add -A && git diff --cached > {PATCH}"
UNDO = "git checkout -q ."
_GREP = re.compile(r'git grep -n "([^"]+)"')
_CALL = re.compile(
    r'python -c "from (\S+) import (\w+); print\(repr\(\2\((.*)\)\)\)" 2>&1 \| tail -n 1'
)
"""One function called with literals; the last line of a traceback is all that shows of one."""


class UnknownCommandError(Exception):
    """A command that the expert does not use, so that nobody computed its output."""


class MemoryWorkspace:
    """Implements `tools.workspace.Workspace`; paths are relative to the repository or absolute."""

    def __init__(self, files: dict[str, str]) -> None:
        self._start = dict(files)
        self.files = dict(files)
        self._outside: dict[str, str] = {}

    @property
    def cwd(self) -> str:
        """The shell never moves."""
        return ROOT

    def lose(self) -> None:
        """What a replaced container loses: files outside the repository."""
        self._outside.clear()

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """What the command prints; raises UnknownCommandError."""
        del timeout  # nothing here takes time
        return CommandResult(self._output(command.strip()), 0, "exited", 0.0, ROOT)

    def path_kind(self, path: str) -> PathKind:
        """A folder exists when a file in it does."""
        name = _relative(path)
        if name in self.files or name in self._outside:
            return "file"
        inside = name == "" or any(known.startswith(f"{name}/") for known in self.files)
        return "directory" if inside or name == "/tmp" else "missing"

    def read_file(self, path: str) -> bytes:
        """The file's bytes; raises FileNotFoundError."""
        name = _relative(path)
        for place in (self.files, self._outside):
            if name in place:
                return place[name].encode()
        raise FileNotFoundError(2, "No such file or directory", path)

    def write_file(self, path: str, data: bytes) -> None:
        """Replace or create the file."""
        self.files[_relative(path)] = data.decode()

    def _output(self, command: str) -> str:
        if command.startswith("cat "):
            return self._cat(command[4:])
        if match := _GREP.fullmatch(command):
            return self._grep(match[1])
        calls = [_CALL.fullmatch(line) for line in command.split("\n")]
        if all(calls):
            return "".join(self._call(*match.groups()) for match in calls if match)
        if command == UNDO:
            self.files |= self._start
            return ""
        if command == SAVE_PATCH:
            self._outside[PATCH] = git_diff(self._start, self.files)
            return ""
        if command == "ls" or command.startswith("ls "):
            return self._ls(command[3:])
        raise UnknownCommandError(command)

    def _cat(self, path: str) -> str:
        name = _relative(path)
        if name in self.files:
            return self.files[name]
        return f"cat: {path}: No such file or directory\n"

    def _grep(self, pattern: str) -> str:
        found = []
        for path in sorted(self.files):
            for number, line in enumerate(lines_of(self.files[path]), 1):
                if pattern in line:
                    found.append(f"{path}:{number}:{line}\n")
        return "".join(found)

    def _ls(self, folder: str) -> str:
        prefix = f"{folder}/" if folder else ""
        names = {
            path[len(prefix) :].partition("/")[0] for path in self.files if path.startswith(prefix)
        }
        return "".join(f"{name}\n" for name in sorted(names) if not name.startswith("."))

    def _call(self, module: str, name: str, arguments: str) -> str:
        source = self.files.get(module.replace(".", "/") + ".py")
        if source is None:
            return f"ModuleNotFoundError: No module named '{module}'\n"
        return f"{_outcome(source, name, arguments).text}\n"


def _outcome(source: str, name: str, arguments: str) -> Outcome:
    try:
        (outcome,) = outcomes(source, name, [arguments])
    except TooSlowError as error:
        raise UnknownCommandError("a call that never ends") from error
    except SyntaxError as error:
        return Outcome(f"SyntaxError: {error.msg}", raised=True)
    return outcome


def _relative(path: str) -> str:
    full = posixpath.normpath(posixpath.join(ROOT, path))
    if full == ROOT:
        return ""
    return full.removeprefix(f"{ROOT}/")
