"""Control groups of dead processes are found by their name and removed; others are left."""

from __future__ import annotations

import os

import pytest

from envs.bubblewrap import cgroup
from envs.bubblewrap.cgroup import make_cgroup, orphan_cgroups
from envs.cleanup import sweep
from envs.sandbox.sandbox import SandboxLimits

NOBODY = 2**22 + 1
"""Above the highest pid."""


def test_only_a_dead_owners_group_is_swept() -> None:
    mine = make_cgroup(os.getpid(), SandboxLimits(), files_bytes=0)
    if mine is None:
        pytest.skip("no control groups for this user")
    dead = make_cgroup(NOBODY, SandboxLimits(), files_bytes=0)
    assert dead is not None
    try:
        (name,) = {folder.name for folder in dead.folders}
        assert name in orphan_cgroups()
        assert not {folder.name for folder in mine.folders} & orphan_cgroups().keys()
        sweep()  # or another process's, at the same time
        assert not any(folder.exists() for folder in dead.folders)
        assert all(folder.exists() for folder in mine.folders)
    finally:
        assert mine.remove()
    assert not any(folder.exists() for folder in mine.folders)


def test_without_permission_there_is_no_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    assert make_cgroup(os.getpid(), SandboxLimits(), files_bytes=0) is None
