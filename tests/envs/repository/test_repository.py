"""The repository in a sandbox: no future, no foreign code, and faults that are named."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envs.errors import SandboxError
from envs.repository.repository import SandboxRepository

from .conftest import Place


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
