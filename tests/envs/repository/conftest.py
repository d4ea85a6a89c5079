"""A sandbox with a repository to work on."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envs.repository.repository import SandboxRepository


class Place:
    """A sandbox holding a copy of the upstream repository, and git in it."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.root = Path(sandbox.folder) / "testbed"
        self.repository = SandboxRepository(sandbox, str(self.root))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def has(self, commit: str) -> bool:
        found = subprocess.run(["git", "cat-file", "-e", commit], cwd=self.root, check=False)
        return found.returncode == 0


@pytest.fixture
def place(sandbox: Any, upstream: Any) -> Place:
    sandbox.put_tree(str(upstream.root), str(sandbox.folder / "testbed"))
    return Place(sandbox)
