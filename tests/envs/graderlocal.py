"""The official grader's own code, applying patches to a folder of this machine.

`run_instance` of swebench is run as it is up to the point where the patch is
applied or refused; only its container is a folder.
"""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .official import Row


class _Applied(BaseException):
    """The grader went on to its tests."""


@dataclass(frozen=True, slots=True)
class _Done:
    exit_code: int
    output: bytes


class _Folder:
    """What `run_instance` wants of a container: `/testbed` and `/tmp` are folders."""

    id = name = "folder"

    def __init__(self, testbed: Path, scratch: Path) -> None:
        self._testbed = testbed
        self._scratch = scratch

    def start(self) -> None:
        self._scratch.mkdir(exist_ok=True)

    def put_archive(self, _folder: str, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(self._scratch, filter="data")

    def exec_run(self, command: str | list[str], **_options: Any) -> _Done:
        if command == "git -c core.fileMode=false diff":
            raise _Applied
        words = shlex.split(command) if isinstance(command, str) else command
        here = [word.replace("/tmp/patch.diff", f"{self._scratch}/patch.diff") for word in words]
        if words[0] == "mkdir":
            return _Done(0, b"")
        done = subprocess.run(
            here,
            cwd=self._testbed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return _Done(done.returncode, done.stdout)


def grader_applies(
    start: Path, patch: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, bytes] | None:
    """The files of a copy of `start` after the official grader applied; None when it refused.

    Files that `patch` leaves behind (.orig, .rej) are not counted.
    """
    from swebench.harness import run_evaluation
    from swebench.harness.utils import make_test_spec

    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(start, work / "testbed", symlinks=True)
    folder = _Folder(work / "testbed", work / "tmp")
    monkeypatch.chdir(work)
    monkeypatch.setattr(run_evaluation, "create_container", lambda *_: folder)
    monkeypatch.setattr(run_evaluation, "cleanup_container", lambda *_: None)
    row = Row("a__b-1", "none", "HEAD", "", (), "true", ("x",), ())
    prediction = {"instance_id": "a__b-1", "model_name_or_path": "m", "model_patch": patch}
    try:
        outcome = run_evaluation.run_instance(
            make_test_spec(row.as_dict()), prediction, None, "run", timeout=60
        )
    except _Applied:
        return files_of(work / "testbed")
    assert outcome is None
    log = (work / "logs/run_evaluation/run/m/a__b-1/run_instance.log").read_text()
    assert run_evaluation.APPLY_PATCH_FAIL in log
    return None


def files_of(root: Path) -> dict[str, bytes]:
    """The content of each file outside .git, by path; a link is its target."""
    return {
        path.relative_to(root).as_posix(): (
            f"-> {path.readlink()}".encode() if path.is_symlink() else path.read_bytes()
        )
        for path in sorted(root.rglob("*"))
        if (path.is_file() or path.is_symlink())
        and ".git" not in path.parts
        and path.suffix not in (".orig", ".rej")
    }
