"""Snapshots of the repository: honest, bounded, and applied elsewhere the same."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envs.errors import OversizeError, PatchError
from envs.repository.git_scripts import NEW_FILE_BYTES, TRACKED_FILE_BYTES

from .conftest import Place


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


@pytest.mark.parametrize(("kind", "packs"), [("sha1", 2), ("sha256", 1)])
def test_the_first_tree_is_that_of_the_files_and_takes_what_git_has_packed(
    place: Place, tmp_path: Path, kind: str, packs: int
) -> None:
    """The objects of HEAD are taken over as they are, where they have the names that ours have."""
    shutil.rmtree(place.root / ".git")
    place.git("init", "-q", f"--object-format={kind}")
    (place.root / ".gitignore").write_text("*.log\n")
    for name in ("kept.log", "gone", "changed", "odd\nname ü"):
        (place.root / name).write_text(f"{name}\n")
    place.git("add", "-f", ".")
    place.git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "all")
    (place.root / "gone").unlink()
    (place.root / "changed").write_text("degnahc\n")
    (place.root / "new").write_text("new\n")
    (place.root / "noise.log").write_text("ignored\n")
    own = ["git", f"--git-dir={tmp_path / 'own'}", f"--work-tree={place.root}"]
    for words in ("init -q", "add -A", "add -f kept.log"):
        subprocess.run([*own, *words.split()], check=True, cwd=place.root)
    expected = subprocess.check_output([*own, "write-tree"], text=True).strip()
    place.repository.prepare()
    assert place.repository.start_tree == expected
    scratch = Path(f"/tmp/.cwm-agent{str(place.root).replace('/', '-')}")
    assert len(list(scratch.glob("git/objects/pack/*.pack"))) == packs


def test_a_pipe_in_the_place_of_what_git_reads_holds_nothing_up(
    place: Place, tmp_path: Path
) -> None:
    (place.root / ".gitignore").write_text("*.log\n")
    place.repository.prepare()
    shutil.rmtree(place.root / ".git" / "info", ignore_errors=True)
    (place.root / ".git" / "info").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (place.root / "sub").mkdir()
    for name in (".gitignore", ".gitattributes", "sub/.gitignore", ".git/index", ".git/HEAD"):
        (place.root / name).unlink(missing_ok=True)
        os.mkfifo(place.root / name)
    (place.root / ".git" / "info" / "exclude").symlink_to(tmp_path / "pipe")
    (place.root / "data").mkdir()
    os.mkfifo(place.root / "data" / "pipe")
    (place.root / "new.py").write_text("x\n")
    diff = place.repository.snapshot().diff
    assert "b/new.py" in diff
    assert (place.root / "data" / "pipe").exists()
    assert (tmp_path / "pipe").exists()
