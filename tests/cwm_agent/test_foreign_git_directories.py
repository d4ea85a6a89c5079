"""A checkout must not pass another repository of the user off as its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cwm_agent.errors import UsageError
from cwm_agent.tasks.checkout import read_checkout

from .cases import git
from .hostile import Hostile

Arm = Callable[[Hostile, Path], None]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Somebody's other repository."""
    return Hostile(tmp_path / "private").root


@pytest.fixture
def checkout(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path / "place")


def _file(place: Hostile, private: Path) -> None:
    shutil.rmtree(place.git_dir)
    place.git_dir.write_text(f"gitdir: {private}/.git\n")


def _link(place: Hostile, private: Path) -> None:
    shutil.rmtree(place.git_dir)
    place.git_dir.symlink_to(private / ".git")


def _common(place: Hostile, private: Path) -> None:
    shutil.rmtree(place.git_dir / "objects")
    (place.git_dir / "commondir").write_text(f"{private}/.git\n")


def _linked(name: str) -> Arm:
    def arm(place: Hostile, private: Path) -> None:
        (place.git_dir / name).unlink()
        (place.git_dir / name).symlink_to(private / ".git" / name)

    return arm


def _nested(place: Hostile, private: Path) -> None:
    commit = git(private, "rev-parse", "HEAD")
    git(place.root, "update-index", "--add", "--cacheinfo", f"160000,{commit},sub")
    git(place.root, "commit", "-qm", "sub")
    (place.root / "sub").mkdir()
    (place.root / "sub" / ".git").write_text(f"gitdir: {private}/.git\n")


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        (_file, "does not name .* as its working tree"),
        (_link, "does not name .* as its working tree"),
        (_common, "is no linked worktree"),
        (_linked("HEAD"), "leads out of its git directory"),
        (_linked("index"), "leads out of its git directory"),
        (_linked("config"), "leads out of its git directory"),
        (_linked("refs/heads/main"), "leads out of its git directory"),
        (_nested, "does not name .* as its working tree"),
    ],
    ids=["file", "link", "commondir", "HEAD", "index", "config", "ref", "submodule"],
)
def test_what_leads_to_another_repository_is_refused(
    checkout: Hostile, private: Path, arm: Arm, said: str
) -> None:
    arm(checkout, private)
    with pytest.raises(UsageError, match=said):
        read_checkout(checkout.root, dirty=True)


def test_a_git_directory_elsewhere_that_names_the_checkout_is_its_own(
    checkout: Hostile, private: Path, tmp_path: Path
) -> None:
    git(private, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    git(checkout.root, "-c", "protocol.file.allow=always", "submodule", "-q", "add",
        str(private), "sub")  # fmt: skip
    separate = tmp_path / "separate"
    git(tmp_path, "clone", "-q", f"--separate-git-dir={tmp_path / 'dir'}", str(private), "separate")
    with pytest.raises(UsageError, match=f"config core.worktree {separate}"):
        read_checkout(separate, dirty=False)
    git(separate, "config", "core.worktree", str(separate))
    commit = git(private, "rev-parse", "HEAD").strip()
    for place in (tmp_path / "linked", checkout.root / "sub", separate):
        assert read_checkout(place, dirty=False).commit == commit


def _alternates(place: Hostile) -> Path:
    return place.git_dir / "objects" / "info" / "alternates"


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _circle(path: Path) -> None:
    path.write_text(f"{path.parent.parent}\n../../objects\n/no/such\n")


@pytest.mark.parametrize("write", [_pipe, _endless, _circle], ids=["pipe", "endless", "circle"])
def test_alternates_are_read_as_data(
    checkout: Hostile, tmp_path: Path, write: Callable[[Path], None]
) -> None:
    _alternates(checkout).parent.mkdir(exist_ok=True)
    write(_alternates(checkout))
    assert read_checkout(checkout.root, dirty=False).copy_to(tmp_path / "copy") == ()


@pytest.mark.parametrize("name", ["plain", "ü x", '"quoted"'])
def test_objects_of_a_borrowed_store_are_copied_and_that_is_said(tmp_path: Path, name: str) -> None:
    store = Hostile(tmp_path / name)
    shared = tmp_path / "shared"
    git(tmp_path, "clone", "-q", "--shared", str(store.root), str(shared))
    (notice,) = read_checkout(shared, dirty=False).copy_to(tmp_path / "copy")
    assert notice.startswith(f"objects were also taken from {store.git_dir / 'objects'}")
    assert git(tmp_path / "copy", "cat-file", "-t", "main").strip() == "commit"
    assert not (tmp_path / "copy" / ".git" / "borrowed").exists()
