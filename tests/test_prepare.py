"""What `make` says on a machine that lacks something which it may not install."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "scripts" / "prepare.sh"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH has neither apt-get nor any program that is looked for."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "id"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    return {"PATH": str(programs), "DOCKER_HOST": "unix:///nonexistent.sock"}


def prepare(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments], env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("what", ["solve", "test"])
def test_without_a_sandbox_it_says_what_to_install(bare: dict[str, str], what: str) -> None:
    finished = prepare(bare, what)
    assert finished.returncode == 4
    assert finished.stderr.startswith("error: no sandbox")
    assert "apt-get install bubblewrap" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1


def test_without_git_it_says_so(bare: dict[str, str]) -> None:
    finished = prepare(bare, "environment", sys.executable)
    assert (finished.returncode, "git is missing" in finished.stderr) == (4, True)


def test_an_old_python_is_refused_by_its_version(bare: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    old = tmp_path / "bin" / "python3"
    old.write_text(f'#!{shutil.which("bash")}\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    finished = prepare(bare, "environment", "python3")
    assert finished.returncode == 4
    assert "Python 3.9.2 is too old" in finished.stderr


def test_what_is_there_is_left_alone(bare: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "bin" / "git").symlink_to(shutil.which("git") or "")
    finished = prepare(bare, "environment", os.path.realpath(sys.executable))
    assert (finished.returncode, finished.stderr) == (0, "")
