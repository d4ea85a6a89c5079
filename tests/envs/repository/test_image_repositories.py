"""Repositories as images leave them: with files that git does not track, and with submodules."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from envs.issue.modes import faithful, improved
from envs.repository.repository import SandboxRepository

UNTRACKED = ("build/lib/app.py", "odd [a]*?.txt", "pkg.egg-info/PKG-INFO")


def git(folder: Path, *arguments: str) -> str:
    plain = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        ["git", *plain, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def root(sandbox: Any, upstream: Any) -> Path:
    sandbox.put_tree(str(upstream.root), str(sandbox.folder / "testbed"))
    root = Path(sandbox.folder) / "testbed"
    for name in UNTRACKED:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("built\n")
    return root


def added(root: Path) -> set[str]:
    git(root, "add", "-A")
    return set(git(root, "diff", "--cached", "--name-only", "-z").split("\0")) - {""}


@pytest.mark.parametrize("many", [False, True])
def test_what_the_image_left_untracked_gets_into_no_patch(
    sandbox: Any, root: Path, many: bool
) -> None:
    if many:
        (root / "cache").mkdir()
        for number in range(1001):
            (root / "cache" / f"{number}.bin").touch()
    repository = SandboxRepository(sandbox, str(root))
    repository.prepare(ignore_untracked=True)
    (root / "new.py").write_text("new\n")
    (root / "build" / "lib" / "app.py").write_text("changed\n")
    assert added(root) == {"new.py"}
    diff = repository.snapshot().diff  # here it counts, as a change of what the grader has, too
    assert "-built\n+changed\n" in diff
    assert "b/new.py" in diff


def test_the_switch_belongs_to_improved_mode(sandbox: Any, root: Path) -> None:
    assert (faithful().ignore_untracked, improved().ignore_untracked) == (False, True)
    SandboxRepository(sandbox, str(root)).prepare()
    assert added(root) == set(UNTRACKED)


def test_a_folder_may_be_a_worktree_of_a_repository_elsewhere(sandbox: Any, upstream: Any) -> None:
    main, root, other = (Path(sandbox.folder) / name for name in ("main", "testbed", "other"))
    sandbox.put_tree(str(upstream.root), str(main))
    for folder in (root, other):
        git(main, "worktree", "add", "-q", "-b", folder.name, str(folder))
    git(other, "commit", "-q", "--allow-empty", "-m", "Later")
    later = git(other, "rev-parse", "HEAD").strip()
    repository = SandboxRepository(sandbox, str(root))
    repository.prepare()
    assert git(root, "for-each-ref", "--format=%(refname)") == "refs/heads/testbed\n"
    assert git(root, "reflog") == ""
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "cat-file", "-e", later)
    (root / "new.py").write_text("new\n")
    assert added(root) == {"new.py"}
    assert "b/new.py" in repository.snapshot().diff


def test_changes_in_submodules_are_in_the_patch_and_apply(sandbox: Any, tmp_path: Path) -> None:
    library, top = tmp_path / "library", tmp_path / "top"
    for folder in (library, top):
        folder.mkdir()
        git(folder, "init", "-q")
        (folder / "code.py").write_text("old\n")
        (folder / "gone.py").write_text("old\n")
        (folder / ".gitignore").write_text("*.pyc\n")
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", "Start")
    git(top, "submodule", "--quiet", "add", str(library), "lib/part [1]")
    git(top, "commit", "-qm", "Part")
    places = [Path(sandbox.folder) / name for name in ("testbed", "clean")]
    repositories = []
    for place in places:
        sandbox.put_tree(str(top), str(place))
        repositories.append(SandboxRepository(sandbox, str(place)))
        repositories[-1].prepare()
    part = places[0] / "lib" / "part [1]"
    (part / "code.py").write_text("new\n")
    (part / "more.py").write_text("more\n")
    (part / "more.pyc").write_text("compiled\n")
    (part / "gone.py").unlink()
    (places[0] / "code.py").write_text("new\n")
    now = repositories[0].snapshot()
    assert now.diff.count("diff --git") == 4
    assert "Subproject" not in now.diff
    repositories[1].apply(now.diff)
    assert repositories[1].snapshot().tree == now.tree
    git(places[1], "checkout", "-q", "--", ".")
    git(places[1], "submodule", "foreach", "-q", "git checkout -q -- . && git clean -qfd")
    (tmp_path / "patch").write_text(now.diff)
    git(places[1], "apply", "-v", str(tmp_path / "patch"))  # as the official grader does
    assert (places[1] / "lib" / "part [1]" / "more.py").read_text() == "more\n"
