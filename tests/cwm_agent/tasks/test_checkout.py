"""The user's checkout is read, copied at HEAD, and never written to unless a patch is applied."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks.checkout import Checkout, apply_patch, read_checkout
from cwm_agent.tasks.job import CheckoutRecord

from ..partial import lack

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


def test_a_copy_may_be_named_from_the_current_folder(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    unpacked(read_checkout(Path("repository"), dirty=False), Path("copy"))
    assert (tmp_path / "copy" / "a.txt").read_text() == "two\n"


@pytest.mark.parametrize("layout", ["sub", "alone"])
def test_nested_repositories_come_with_their_files(
    repository: Path, tmp_path: Path, layout: str
) -> None:
    inner = tmp_path / "inner"
    git(tmp_path, "clone", "-q", str(repository), str(inner))
    if layout == "sub":
        git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner),
            "sub")  # fmt: skip
        git(repository, "commit", "-qm", "sub")
        checkout = read_checkout(repository, dirty=False)
        (repository / "sub" / "a.txt").write_text("mine\n")
        with pytest.raises(UsageError, match=r"sub has uncommitted changes \(a\.txt\)"):
            read_checkout(repository, dirty=False)
        git(repository / "sub", "checkout", "-q", "--", "a.txt")
    else:
        inner.rename(repository / "sub")
        with pytest.raises(UsageError, match=r"uncommitted changes \(sub/\)"):
            read_checkout(repository, dirty=False)
        checkout = read_checkout(repository, dirty=True)
    (repository / "sub" / "a.txt").write_text("mine\n")
    dirty = read_checkout(repository, dirty=True)
    for found, text in ((checkout, "two\n"), (dirty, "mine\n")):
        copy = unpacked(found, tmp_path / "copy")
        git(copy / "sub", "reset", "--quiet", "--hard")
        assert (copy / "sub" / "a.txt").read_text() == text
    assert CheckoutRecord.of(dirty).restore() == dirty


def test_a_sha256_repository_works_like_another(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256", "upstream")
    (tmp_path / "upstream" / "a.txt").write_text("one\n")
    git(tmp_path / "upstream", "add", ".")
    git(tmp_path / "upstream", "commit", "-qm", "one")
    copy = unpacked(read_checkout(tmp_path / "upstream", dirty=False), tmp_path / "copy")
    assert len(git(copy, "rev-parse", "HEAD")) == 64
    assert (copy / "a.txt").read_text() == "one\n"


def test_a_partial_clone_is_copied_without_what_it_lacks(repository: Path, tmp_path: Path) -> None:
    old, new = (git(repository, "rev-parse", f"HEAD{which}:a.txt") for which in ("~", ""))
    git(repository, "branch", "-qD", "trunk")
    git(repository, "reflog", "expire", "--expire=now", "--all")
    git(repository, "repack", "-adq")
    lack(repository / ".git", old)
    checkout = read_checkout(repository, dirty=False)
    assert "history is left out" in checkout.copy_to(tmp_path / "copy")[0]
    copy = unpacked(checkout, tmp_path / "copy")
    assert git(copy, "log", "--format=%s") == "two"
    git(copy, "fsck")
    lack(repository / ".git", new)
    with pytest.raises(UsageError, match=r"partial clone and lacks files .*refetch"):
        checkout.copy_to(tmp_path / "copy")


def test_lfs_files_are_taken_where_they_are(repository: Path, tmp_path: Path) -> None:
    content = b"large\0" * 1000
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 6000\n"
    (repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    for name in ("here.bin", "plain.txt"):
        (repository / name).write_text(pointer)
    (repository / "gone.bin").write_text(pointer.replace(oid, "0" * 64))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "lfs")
    stored = repository / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    stored.parent.mkdir(parents=True)
    stored.write_bytes(content)
    (repository / "here.bin").write_bytes(content)  # as the filter leaves it
    checkout = read_checkout(repository, dirty=False)
    (notice,) = checkout.copy_to(tmp_path / "copy")
    assert "gone.bin (`git lfs pull`" in notice
    laid = tmp_path / "copy" / ".git" / "lfs-files"
    assert [path.name for path in laid.iterdir()] == ["here.bin"]
    assert (laid / "here.bin").read_bytes() == content
    stored.write_bytes(content[:-1] + b"x")
    assert len(checkout.copy_to(tmp_path / "copy")) == 1
    assert not laid.exists()


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
