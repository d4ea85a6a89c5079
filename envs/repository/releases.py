"""Releases of packages as git repositories of one commit, cached on this machine."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from envs.errors import SandboxError
from envs.host_git.git import git
from envs.progress import Say, quiet

# Part of the commit's id, so that everybody has the same one.
DATE = "2000-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Release:
    """One source distribution, pinned by its digest."""

    package: str
    version: str
    sha256: str


def fetch(release: Release, progress: Say = quiet) -> Path:
    """The release as a git repository with one commit; downloaded and unpacked on first use.

    Raises SandboxError when it cannot be had or is not the pinned file.
    """
    from filelock import FileLock
    from platformdirs import user_cache_path

    cache = user_cache_path("cwm-agent") / "sources"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{release.package}-{release.version}-{release.sha256[:12]}"
    with FileLock(f"{target}.lock"):
        if not target.exists():
            progress(f"fetching {release.package} {release.version}")
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                archive = download(release, Path(folder))
                tree = unpack(archive, Path(folder) / "tree")
                make_repository(tree, f"{release.package} {release.version}")
                tree.rename(target)
    return target


def download(release: Release, folder: Path) -> Path:
    """Let pip fetch the source distribution and check its digest."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{release.package}=={release.version} --hash=sha256:{release.sha256}\n")
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-binary", release.package]
    command += ["--dest", str(folder), "--require-hashes", "-r", str(wanted)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = list(folder.glob("*.tar.gz"))
    if finished.returncode != 0 or len(archives) != 1:
        last = "\n".join(finished.stderr.strip().splitlines()[-8:])
        raise SandboxError(
            f"cannot fetch the source of {release.package} {release.version} with pip; check the "
            f"network and pip's settings (pip config list). pip said:\n{last}"
        )
    digest = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if digest != release.sha256:
        raise SandboxError(
            f"{archives[0].name} has the digest {digest}, not {release.sha256}; the package "
            "index served a different file from the pinned one"
        )
    return archives[0]


def unpack(archive: Path, target: Path) -> Path:
    """Unpack the one folder that a source distribution holds."""
    inside = target.with_name("unpacked")
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, "data_filter"):  # not before Python 3.11.4
            opened.extraction_filter = tarfile.data_filter
        opened.extractall(inside)
    (top,) = inside.iterdir()
    return top.rename(target)


def make_repository(tree: Path, message: str) -> None:
    """Commit the whole tree, ignored files included, under a fixed name and date."""
    who = {
        "GIT_AUTHOR_NAME": "cwm-agent",
        "GIT_AUTHOR_EMAIL": "examples@cwm-agent.invalid",
        "GIT_AUTHOR_DATE": DATE,
        "GIT_COMMITTER_NAME": "cwm-agent",
        "GIT_COMMITTER_EMAIL": "examples@cwm-agent.invalid",
        "GIT_COMMITTER_DATE": DATE,
    }
    git(["init", "--quiet", "--template=", "--initial-branch=main", "--", str(tree.absolute())])
    for command in (["add", "--all", "--force"], ["commit", "--quiet", "--message", message]):
        git(command, git_dir=tree / ".git", work_tree=tree, variables=who)
