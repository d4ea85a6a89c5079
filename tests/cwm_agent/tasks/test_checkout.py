"""The user's checkout is read, copied at HEAD, and never written to unless a patch is applied."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks.checkout import Checkout, apply_patch, read_checkout

PATCH = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-two\n+three\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def fingerprint(folder: Path) -> str:
    """One hash over names, kinds, modes and bytes of everything below, `.git` included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)} {path.lstat().st_mode}\0".encode())
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def unpacked(checkout: Checkout, target: Path) -> Path:
    """A copy with its files, which otherwise come out in the sandbox."""
    checkout.copy_to(target)
    git(target, "reset", "--quiet", "--hard")
    return target


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Three commits; HEAD is the second one."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=trunk")
    (folder / ".gitignore").write_text(".env\n")
    (folder / ".env").write_text("TOKEN=secret\n")
    for text in ("one", "two", "three"):
        (folder / "a.txt").write_text(f"{text}\n")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", text)
    git(folder, "checkout", "--quiet", "HEAD~1")
    return folder


def test_the_copy_has_the_history_of_head_and_nothing_else(
    repository: Path, tmp_path: Path
) -> None:
    before = fingerprint(repository)
    copy = unpacked(read_checkout(repository, dirty=False), tmp_path / "copy")
    assert git(copy, "log", "--all", "--format=%s").splitlines() == ["two", "one"]
    assert sorted(path.name for path in copy.iterdir()) == [".git", ".gitignore", "a.txt"]
    assert git(copy, "status", "--porcelain") == ""
    assert git(copy, "remote") == ""
    objects = git(copy, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    assert objects.split().count("commit") == 2
    assert fingerprint(repository) == before


def test_a_commit_can_be_copied_after_the_checkout_moved_on(
    repository: Path, tmp_path: Path
) -> None:
    checkout = read_checkout(repository, dirty=False)
    git(repository, "checkout", "--quiet", "trunk")
    unpacked(checkout, tmp_path / "copy")
    assert (tmp_path / "copy" / "a.txt").read_text() == "two\n"


def test_uncommitted_changes_are_refused_unless_they_are_wanted(
    repository: Path, tmp_path: Path
) -> None:
    (repository / "a.txt").write_text("changed\n")
    (repository / "new.bin").write_bytes(b"\x00\xff")
    before = fingerprint(repository)
    with pytest.raises(UsageError, match=r"uncommitted changes \(a\.txt and 1 more\).*--dirty"):
        read_checkout(repository, dirty=False)
    unpacked(read_checkout(repository, dirty=True), tmp_path / "copy")
    assert (tmp_path / "copy" / "a.txt").read_text() == "changed\n"
    assert (tmp_path / "copy" / "new.bin").read_bytes() == b"\x00\xff"
    assert git(tmp_path / "copy", "status", "--porcelain") == ""
    assert not (tmp_path / "copy" / ".env").exists()
    assert fingerprint(repository) == before


def test_folders_that_cannot_be_used_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*--repo"):
        read_checkout(tmp_path / "none", dirty=False)
    with pytest.raises(UsageError, match=r"not a git repository; .*--repo.*git init"):
        read_checkout(tmp_path, dirty=False)
    git(tmp_path, "init", "--quiet")
    with pytest.raises(UsageError, match="no commit yet; commit"):
        read_checkout(tmp_path, dirty=False)


def test_a_patch_is_applied_to_the_working_tree_only(repository: Path) -> None:
    checkout = read_checkout(repository, dirty=False)
    assert apply_patch(checkout, PATCH) == ["a.txt"]
    assert (repository / "a.txt").read_text() == "three\n"
    assert git(repository, "status", "--porcelain") == "M a.txt"


def test_a_patch_is_not_applied_to_another_state(repository: Path) -> None:
    checkout = read_checkout(repository, dirty=False)
    (repository / "a.txt").write_text("mine\n")
    with pytest.raises(UsageError, match=r"a\.txt has changed"):
        apply_patch(checkout, PATCH)
    git(repository, "checkout", "--quiet", "--force", "trunk")
    before = fingerprint(repository)
    with pytest.raises(UsageError, match=r"moved from .*git apply -3"):
        apply_patch(checkout, PATCH)
    assert fingerprint(repository) == before


def test_a_patch_that_does_not_fit_changes_nothing(repository: Path) -> None:
    checkout = read_checkout(repository, dirty=False)
    before = fingerprint(repository)
    with pytest.raises(UsageError, match=r"not applied: .*a\.txt"):
        apply_patch(checkout, PATCH.replace("-two", "-other"))
    assert fingerprint(repository) == before
