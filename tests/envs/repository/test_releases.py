"""Source distributions as repositories; made from a package that is built here."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from envs.errors import SandboxError
from envs.repository.releases import Release, fetch, make_repository

PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
# The smallest build backend that pip accepts (PEP 517): it only writes metadata.
BACKEND = """
import pathlib

def get_requires_for_build_wheel(config=None):
    return []

def prepare_metadata_for_build_wheel(folder, config=None):
    info = pathlib.Path(folder) / "tiny_sample-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-sample\\nVersion: 1.0\\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\\n")
    return info.name
"""


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """A source distribution in a folder that pip is told to look into."""
    index = tmp_path / "index"
    index.mkdir()
    archive = index / "tiny_sample-1.0.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        for name, text in {
            "pyproject.toml": PYPROJECT,
            "backend.py": BACKEND,
            "PKG-INFO": "Metadata-Version: 2.1\nName: tiny-sample\nVersion: 1.0\n",
            ".gitignore": "*.log\n",
            "kept.log": "ignored files are part of the release\n",
        }.items():
            entry = tarfile.TarInfo(f"tiny_sample-1.0/{name}")
            entry.size = len(text)
            opened.addfile(entry, io.BytesIO(text.encode()))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Release("tiny-sample", "1.0", hashlib.sha256(archive.read_bytes()).hexdigest())


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_release_becomes_a_clean_repository_with_one_commit(release: Release) -> None:
    repository = fetch(release)
    assert git(repository, "log", "--format=%s") == "tiny-sample 1.0"
    assert git(repository, "status", "--porcelain") == ""
    assert "kept.log" in git(repository, "ls-files").splitlines()


def test_it_is_fetched_once(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    first = fetch(release, lines.append)
    monkeypatch.delenv("PIP_FIND_LINKS")
    assert fetch(release, lines.append) == first
    assert lines == ["fetching tiny-sample 1.0"]


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(release: Release) -> None:
    with pytest.raises(SandboxError, match="cannot fetch the source of tiny-sample"):
        fetch(Release(release.package, release.version, "0" * 64))
    assert fetch(release).exists()


def test_the_commit_does_not_depend_on_who_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    for number in range(2):
        monkeypatch.setenv("GIT_AUTHOR_NAME", f"somebody {number}")
        monkeypatch.setenv("GIT_AUTHOR_DATE", f"200{number}-01-01T00:00:00")
        tree = tmp_path / str(number)
        tree.mkdir()
        (tree / "file").write_text("same")
        make_repository(tree, "same")
        commits.append(git(tree, "rev-parse", "HEAD"))
    assert commits[0] == commits[1]
