"""A workspace in a temporary folder, with real bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cwm_agent.prompts.packs import load
from tools.texts import Texts
from tools.workspace import CommandResult, Ending, PathKind


class FolderWorkspace:
    """Files below `folder`; each command is one bash process started there."""

    def __init__(self, folder: Path, *, output_bytes: int = 100_000) -> None:
        self.folder = folder
        self.output_bytes = output_bytes

    @property
    def cwd(self) -> str:
        return str(self.folder)

    def run(self, command: str, *, timeout: float) -> CommandResult:
        alive = self.folder.parent / "alive"
        alive.unlink(missing_ok=True)
        try:
            done = subprocess.run(
                ["bash", "-c", f"{command}\ncode=$?; touch {alive}; exit $code"],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            return self._result(error.output or b"", None, "timeout", timeout)
        ending: Ending = "exited" if alive.exists() else "shell_ended"
        return self._result(done.stdout, done.returncode, ending, 0.01)

    def _result(
        self, output: bytes, code: int | None, ending: Ending, seconds: float
    ) -> CommandResult:
        kept = output[: self.output_bytes]
        dropped = len(output) - len(kept)
        text = kept.decode("utf-8", "replace")
        valid = kept.decode("utf-8", "ignore")
        clean = None if valid == text else valid
        return CommandResult(text, code, ending, seconds, self.cwd, dropped, clean_output=clean)

    def path_kind(self, path: str) -> PathKind:
        place = self.folder / path
        if not place.exists():
            return "missing"
        return "file" if place.is_file() else "directory" if place.is_dir() else "other"

    def read_file(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def write_file(self, path: str, data: bytes) -> None:
        (self.folder / path).write_bytes(data)


@pytest.fixture
def workspace(tmp_path: Path) -> FolderWorkspace:
    folder = tmp_path / "repository"
    folder.mkdir()
    return FolderWorkspace(folder)


@pytest.fixture
def texts() -> Texts:
    return load("default")
