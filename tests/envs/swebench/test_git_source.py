"""One commit with its past and without its future."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envs.errors import SandboxError
from envs.swebench.git_source import export_commit, resolve_commit


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@localhost"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits: `old` (tagged v1), `middle`, and `new` (tagged v2, on main)."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number, word in enumerate(("old", "middle", "new")):
        (folder / "word.txt").write_text(word)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", word)
        if number != 1:
            git(folder, "tag", "-a", "-m", word, f"v{number // 2 + 1}")
    git(folder, "branch", "side", "HEAD~1")
    return folder


def test_names_of_a_local_repository_are_resolved(repository: Path) -> None:
    middle = git(repository, "rev-parse", "HEAD~1")
    for name in ("HEAD~1", "side", middle[:9], middle):
        assert resolve_commit(str(repository), name) == middle
    assert resolve_commit(str(repository), "v1") == git(repository, "rev-parse", "HEAD~2")


def test_branches_and_tags_at_an_address_are_resolved_to_commits(repository: Path) -> None:
    address = repository.as_uri()
    assert resolve_commit(address, "side") == git(repository, "rev-parse", "HEAD~1")
    assert resolve_commit(address, "v1") == git(repository, "rev-parse", "HEAD~2")
    assert resolve_commit(address, "HEAD") == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_a_name_that_is_not_there(repository: Path, kind: str) -> None:
    source = str(repository) if kind == "folder" else repository.as_uri()
    with pytest.raises(SandboxError, match="give a"):
        resolve_commit(source, "--no-such")


def test_an_address_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="check the address"):
        resolve_commit((tmp_path / "none").as_uri(), "main")


@pytest.mark.parametrize("kind", ["folder", "address"])
def test_the_future_stays_behind(repository: Path, tmp_path: Path, kind: str) -> None:
    source = str(repository) if kind == "folder" else repository.as_uri()
    middle, new = git(repository, "rev-parse", "HEAD~1"), git(repository, "rev-parse", "HEAD")
    target = tmp_path / "copy"
    export_commit(source, middle, target)
    assert (target / "word.txt").read_text() == "middle"
    assert git(target, "rev-parse", "HEAD") == middle
    assert git(target, "status", "--porcelain") == ""
    assert git(target, "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/main",
        "refs/tags/v1",
    ]
    assert git(target, "describe", "--tags").startswith("v1-1-g")
    objects = git(target, "cat-file", "--batch-all-objects", "--batch-check")
    assert middle in objects
    assert new not in objects
    assert git(target, "remote") == ""


def test_the_past_can_be_left_out(repository: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    head = git(repository, "rev-parse", "HEAD")
    export_commit(str(repository), head, target, depth=1)
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert git(target, "tag") == "v2"


def test_a_commit_that_is_not_there(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="cannot be fetched"):
        export_commit(str(repository), "0" * 40, tmp_path / "copy")
