"""The repository in a sandbox: no future, honest snapshots, no foreign code."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envs.errors import OversizeError, PatchError, SandboxError
from envs.repository.git_scripts import NEW_FILE_BYTES, TRACKED_FILE_BYTES
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


def test_only_what_head_reaches_is_left(place: Place) -> None:
    git, root = place.git, place.root
    first = git("rev-parse", "HEAD")

    def later(name: str) -> str:
        (root / "later.py").write_text(f"# {name}\n")
        git("add", "-A")
        git("commit", "-qm", name)
        return git("rev-parse", "HEAD")

    hidden = [later("tagged")]
    git("tag", "-a", "-m", "x", "v2")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    git("remote", "add", "origin", "https://user:secret@example.org/x.git")
    git("checkout", "-q", "-b", "other")
    hidden.append(later("branch"))
    git("notes", "add", "-m", "a later note")
    git("worktree", "add", "-q", "--detach", str(root.parent / "second"))
    git("pack-refs", "--all")
    git("gc", "-q")
    for pack in (root / ".git" / "objects" / "pack").glob("*.pack"):
        pack.with_suffix(".keep").touch()
    (root / "later.py").write_text("# stashed\n")
    hidden.append(git("stash", "create"))
    git("stash", "store", hidden[-1])
    git("reset", "-q", "--hard")
    git("checkout", "-q", "main")
    git("reset", "-q", "--hard", first)
    (root / ".git" / "FETCH_HEAD").write_text(f"{hidden[0]}\t\tbranch 'main' of x\n")
    assert all(place.has(commit) for commit in hidden)
    place.repository.prepare()
    assert git("for-each-ref", "--format=%(refname)") == "refs/heads/main"
    assert git("remote") == ""
    assert "secret" not in (root / ".git" / "config").read_text()
    assert not any(place.has(commit) for commit in hidden)
    assert git("rev-parse", "HEAD") == first
    assert git("reflog") == ""
    assert git("fsck", "--no-dangling") == ""
    for leftover in ("ORIG_HEAD", "FETCH_HEAD", "worktrees"):
        assert not (root / ".git" / leftover).exists()


def test_a_detached_head_keeps_working(place: Place) -> None:
    first = place.git("rev-parse", "HEAD")
    (place.root / "later.py").touch()
    place.git("add", "-A")
    place.git("commit", "-qm", "later")
    later = place.git("rev-parse", "HEAD")
    place.git("checkout", "-q", first)
    place.repository.prepare()
    assert place.git("rev-parse", "HEAD") == first
    assert place.git("for-each-ref") == ""
    assert not place.has(later)
    place.git("commit", "-q", "--allow-empty", "-m", "the model can commit")


def test_borrowed_objects_are_brought_home(place: Place, tmp_path: Path) -> None:
    lender = tmp_path / "lender"
    subprocess.run(["git", "clone", "-q", "--bare", place.root, lender], check=True)
    head = place.git("rev-parse", "HEAD")
    subprocess.run(
        f"rm -rf {place.root}; git clone -qs {lender} {place.root}", shell=True, check=True
    )
    place.repository.prepare()
    assert not (place.root / ".git/objects/info/alternates").exists()
    (lender / "objects").rename(lender / "gone")
    assert place.git("rev-parse", "HEAD") == head
    assert place.git("fsck") == ""


@pytest.mark.parametrize("state", ["no repository", "no commit"])
def test_a_plain_folder_becomes_a_repository(place: Place, state: str) -> None:
    subprocess.run(["rm", "-rf", place.root / ".git"], check=True)
    if state == "no commit":
        place.git("init", "-q")
    place.repository.prepare()
    assert place.git("status", "--porcelain") == ""
    assert place.git("config", "user.email") == "agent@localhost"


def test_snapshots_see_new_files_but_not_ignored_ones(place: Place) -> None:
    (place.root / ".gitignore").write_text("*.log\n")
    (place.root / "kept.log").write_text("tracked although ignored\n")
    (place.root / ".git/info").mkdir(exist_ok=True)
    (place.root / ".git/info/exclude").write_text("private\n")
    place.git("add", "-f", ".gitignore", "kept.log")
    place.git("commit", "-qm", "log")
    place.repository.prepare()
    start = place.repository.snapshot()
    assert (start.tree, start.diff) == (place.repository.start_tree, "")
    (place.root / "new.py").write_text("x\n")
    (place.root / "noise.log").write_text("x\n")
    (place.root / "private").write_text("x\n")
    (place.root / "kept.log").write_text("changed\n")
    (place.root / "greet.py").unlink()
    index = (place.root / ".git/index").read_bytes()
    diff = place.repository.snapshot().diff
    assert [line for line in diff.splitlines() if line.startswith("diff")] == [
        "diff --git a/greet.py b/greet.py",
        "diff --git a/kept.log b/kept.log",
        "diff --git a/new.py b/new.py",
    ]
    assert (place.root / ".git/index").read_bytes() == index
    place.git("add", "-f", "noise.log")
    assert "b/noise.log" in place.repository.snapshot().diff


def test_the_repository_cannot_run_code_or_bend_the_diff(place: Place, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\necho $0 $* >> {evidence}\ncat\n")
    script.chmod(0o755)
    hooks = place.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change"):
        (hooks / hook).symlink_to(script)
    place.repository.prepare()
    assert not evidence.exists()
    (place.root / ".gitattributes").write_text("* filter=evil diff=evil text eol=crlf ident\n")
    for key in (
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.command"),
        *("diff.evil.textconv", "diff.external", "core.fsmonitor", "core.pager", "gpg.program"),
    ):
        place.git("config", key, str(script))
    for key, value in {
        "core.autocrlf": "true",
        "diff.noprefix": "true",
        "diff.context": "0",
        "color.ui": "always",
        "core.excludesFile": str(place.root / "all"),
        "core.hooksPath": str(hooks),
    }.items():
        place.git("config", key, value)
    (place.root / "all").write_text("*\n")
    evidence.unlink(missing_ok=True)
    (place.root / "greet.py").write_bytes(b"def greet(name):\r\n    return '$Id$'\n")
    patch = place.repository.snapshot().diff
    assert not evidence.exists()
    assert "--- a/greet.py\n+++ b/greet.py\n" in patch
    assert "+def greet(name):\r\n+    return '$Id$'\n" in patch
    assert "b/all" in patch
    place.git("checkout", "-q", "--", "greet.py")
    evidence.unlink(missing_ok=True)
    (place.root / "greet.py").unlink()
    place.git("config", "--unset", "core.autocrlf")
    section = patch[patch.index("diff --git a/greet.py") :]
    (place.root / "greet.py").write_text("def greet(name):\n    return 'Hello ' + nam\n")
    place.repository.apply(section)
    assert (place.root / "greet.py").read_bytes() == b"def greet(name):\r\n    return '$Id$'\n"
    assert not evidence.exists()


def test_the_model_may_break_git_itself(place: Place) -> None:
    place.repository.prepare()
    (place.root / "greet.py").write_text("fixed\n")
    subprocess.run(["rm", "-rf", place.root / ".git"], check=True)
    assert "+fixed\n" in place.repository.snapshot().diff
    nested = place.root / "nested"
    subprocess.run(["git", "init", "-q", nested], check=True)
    (place.root / "after.py").write_text("x\n")
    assert "b/after.py" in place.repository.snapshot().diff


def test_huge_new_files_are_no_part_of_a_snapshot(place: Place) -> None:
    huge = bytes(NEW_FILE_BYTES + 1)
    (place.root / "old.bin").write_bytes(huge)
    place.git("add", "-A")
    place.git("commit", "-qm", "data")
    place.repository.prepare()
    for name in ("new.bin", "a [b]*?\\ c", " # x"):
        (place.root / name).write_bytes(huge)
    (place.root / "small.bin").write_bytes(huge[1:])
    diff = place.repository.snapshot().diff
    assert [line for line in diff.splitlines() if line.startswith("diff")] == [
        "diff --git a/small.bin b/small.bin"
    ]
    (place.root / "old.bin").write_bytes(huge + b"x")
    assert "a/old.bin" in place.repository.snapshot().diff


def test_a_tracked_file_that_is_huge_costs_no_turn(place: Place) -> None:
    huge, path = bytes(TRACKED_FILE_BYTES + 1), place.root / "a [b].bin"
    path.write_bytes(huge)
    place.git("add", "-A")
    place.git("commit", "-qm", "data")
    place.repository.prepare()
    path.write_bytes(huge + b"x")
    (place.root / "new.py").write_text("x = 1\n")
    state = place.repository.snapshot()
    assert files_of(state.diff) == ["diff --git a/new.py b/new.py"]
    path.write_bytes(b"small")
    assert "GIT binary patch" in place.repository.snapshot().diff
    path.unlink()
    assert "deleted file" in place.repository.snapshot().diff
    path.write_bytes(huge)
    (place.root / "greet.py").write_bytes(huge)  # what was small stays as it was
    assert files_of(place.repository.snapshot().diff) == ["diff --git a/new.py b/new.py"]


@pytest.mark.parametrize("kind", ["submodule", "nested", "without a commit", "deeper"])
def test_changes_in_a_nested_repository_are_changes_of_files(
    place: Place, tmp_path: Path, kind: str
) -> None:
    inner = place.root / ("lib" if kind != "deeper" else "lib/x/y")
    if kind == "submodule":
        other = tmp_path / "other"
        subprocess.run(["git", "clone", "-q", place.root, other], check=True)
        place.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "lib")
        place.git("commit", "-qm", "sub")
    else:
        subprocess.run(["git", "init", "-q", inner], check=True)
        (inner / "greet.py").write_text("def greet(name):\n    return 'Hello ' + nam\n")
        (inner / ".gitignore").write_text("*.log\n")
        if kind != "without a commit":
            subprocess.run(
                "git add -A; git -c user.name=a -c user.email=a@b commit -qm inner",
                shell=True, cwd=inner, check=True,
            )  # fmt: skip
    if kind == "deeper":
        subprocess.run(["git", "init", "-q", place.root / "lib"], check=True)
    place.repository.prepare()
    start = place.repository.snapshot()
    assert start.diff == ""
    (inner / "greet.py").write_text("fixed\n")
    (inner / "new.py").write_text("new\n")
    (inner / "x.log").write_text("ignored\n" if kind != "submodule" else "new\n")
    where = inner.relative_to(place.root)
    state = place.repository.snapshot()
    assert "Subproject" not in state.diff
    assert files_of(state.diff)[:1] == [f"diff --git a/{where}/greet.py b/{where}/greet.py"]
    assert f"b/{where}/new.py" in state.diff
    assert ("x.log" in state.diff) == (kind == "submodule")
    shutil.rmtree(inner / ".git", ignore_errors=True)  # a submodule's is a file
    assert f"+++ b/{where}/greet.py" in place.repository.snapshot().diff
    (inner / "greet.py").write_text("def greet(name):\n    return 'Hello ' + nam\n")
    for name in ("new.py", "x.log"):
        (inner / name).unlink()
    assert place.repository.snapshot() == start
    place.repository.apply(state.diff)
    assert place.repository.snapshot() == state


def files_of(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line.startswith("diff")]


def test_more_changes_than_a_patch_may_have_are_not_recorded(place: Place) -> None:
    place.repository.prepare()
    (place.root / "small.py").write_text("x = 1\n")
    before = place.repository.snapshot()
    (place.root / "data").mkdir()
    for number in range(3):
        (place.root / "data" / f"{number}.bin").write_bytes(os.urandom(NEW_FILE_BYTES))
    for _ in range(2):  # at once the second time
        with pytest.raises(OversizeError, match="exceed 16 MiB; remove what is not part"):
            place.repository.snapshot()
    shutil.rmtree(place.root / "data")
    assert place.repository.snapshot() == before


def test_a_deleted_working_tree_is_a_diff_like_any_other(place: Place) -> None:
    place.repository.prepare()
    subprocess.run(["rm", "-rf", place.root], check=True)
    diff = place.repository.snapshot().diff
    assert diff.startswith("diff --git a/greet.py b/greet.py\ndeleted file")


def test_a_snapshot_can_be_applied_to_a_fresh_copy(place: Place, upstream: Any) -> None:
    place.repository.prepare()
    (place.root / "data.bin").write_bytes(bytes(range(256)))
    (place.root / "latin.txt").write_bytes(b"caf\xe9\r\nno newline")
    (place.root / "link").symlink_to("greet.py")
    (place.root / "run.sh").write_text("#!/bin/sh\n")
    (place.root / "run.sh").chmod(0o755)
    (place.root / "greet.py").rename(place.root / "wörld.py")
    saved = place.repository.snapshot()
    place.git("stash", "-q", "-u")
    place.repository.apply(saved.diff)
    assert place.repository.snapshot().tree == saved.tree
    assert (place.root / "latin.txt").read_bytes() == b"caf\xe9\r\nno newline"
    assert os.access(place.root / "run.sh", os.X_OK)


def test_a_patch_that_does_not_fit_changes_nothing(place: Place) -> None:
    place.repository.prepare()
    bad = "diff --git a/greet.py b/greet.py\n--- a/greet.py\n+++ b/greet.py\n@@ -1 +1 @@\n-no\n+x\n"
    with pytest.raises(PatchError, match=r"greet.py: patch does not apply"):
        place.repository.apply(bad)
    assert place.repository.snapshot().diff == ""


def test_a_missing_folder_and_a_lost_sandbox_are_named(place: Place, sandbox: Any) -> None:
    with pytest.raises(SandboxError, match="no repository at"):
        SandboxRepository(sandbox, f"{sandbox.folder}/nowhere").prepare()
    place.repository.prepare()
    sandbox.break_down()
    with pytest.raises(SandboxError, match="--resume"):
        place.repository.snapshot()


def test_a_sandbox_without_git_is_named(place: Place, sandbox: Any) -> None:
    programs = sandbox.folder / "bin"
    programs.mkdir()
    (programs / "bash").symlink_to("/bin/bash")
    sandbox.path = str(programs)
    with pytest.raises(SandboxError, match="git is missing in the sandbox; use an image"):
        place.repository.prepare()
