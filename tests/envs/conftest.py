"""A sandbox without walls: bash and git on a temporary folder of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from envs.errors import SandboxError
from tools.workspace import CommandResult, PathKind


class LocalSandbox:
    """Implements `envs.sandbox.Sandbox`. `break_down` makes it go away for real: its folder too."""

    kind = "local"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self._cwd = str(folder)
        self.fresh_shells = 0

    @property
    def cwd(self) -> str:
        return self._cwd

    def open(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    break_down = close

    def run(self, command: str, *, timeout: float) -> CommandResult:
        """Like the persistent shell as far as its folder goes; `exit` ends it."""
        where = self.home / "cwd"
        result = self._bash(f"cd {self._cwd} && {command}\npwd > {where}", timeout)
        if result.ending != "exited":
            return result
        if not where.exists():
            return CommandResult(
                result.output, result.exit_code, "shell_ended", result.seconds, self._cwd
            )
        self._cwd = where.read_text().strip()
        where.unlink()
        return CommandResult(result.output, 0, "exited", result.seconds, self._cwd)

    def control(self, command: str, *, timeout: float) -> CommandResult:
        return self._bash(command, timeout)

    def _bash(self, command: str, timeout: float) -> CommandResult:
        if not self.home.is_dir():
            return CommandResult("", None, "lost", 0.0, self._cwd)
        try:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env={"HOME": str(self.home), "PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            partial = (error.output or b"").decode("utf-8", "replace")
            return CommandResult(partial, None, "timeout", timeout, self._cwd)
        output = done.stdout.decode("utf-8", "replace")
        return CommandResult(output, done.returncode, "exited", 0.01, self._cwd)

    def path_kind(self, path: str) -> PathKind:
        place = Path(self._cwd, path)
        if not place.exists():
            return "missing"
        return "file" if place.is_file() else "directory" if place.is_dir() else "other"

    def read_file(self, path: str) -> bytes:
        return Path(self._cwd, path).read_bytes()

    def write_file(self, path: str, data: bytes) -> None:
        Path(self._cwd, path).write_bytes(data)

    def restart_shell(self, *, cwd: str) -> None:
        if not self.home.is_dir():
            raise SandboxError("the sandbox is gone; open a new one")
        self.fresh_shells += 1
        self._cwd = cwd

    def put_tree(self, source: str, target: str) -> None:
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)

    def __enter__(self) -> LocalSandbox:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[LocalSandbox]:
    place = LocalSandbox(tmp_path / "sandbox")
    with place:
        yield place
        scratch = Path("/tmp/.cwm-agent" + str(place.folder / "testbed").replace("/", "-"))
        shutil.rmtree(scratch, ignore_errors=True)


class Git:
    """A user's repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)
        self("init", "-q", "-b", "main")
        self("config", "user.name", "Ada")
        self("config", "user.email", "ada@example.org")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str, **files: str) -> str:
        for name, content in files.items():
            path = self.root / name.replace("__", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self("add", "-A")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Git:
    git = Git(tmp_path / "upstream")
    git.commit("Start", greet__py="def greet(name):\n    return 'Hello ' + nam\n")
    return git
