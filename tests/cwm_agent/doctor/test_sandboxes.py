"""Checks of the places where commands run, with and without them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cwm_agent.doctor import sandboxes
from cwm_agent.doctor.check import Check
from envs.bubblewrap import cgroup
from envs.bubblewrap.kind import BUBBLEWRAP as BUBBLEWRAP_KIND
from envs.bubblewrap.sandbox import PREFIX
from envs.sandbox.owner import OWNER_FILE, SCRATCH, boot_id, labels, scratch_folder
from envs.sandbox.sandbox import Owner

NO_DOCKER = Check("docker", "warn", "no engine", "start it")
NO_BUBBLEWRAP = Check("bubblewrap", "warn", "not installed", "install it")
BUBBLEWRAP = Check("bubblewrap", "ok", "works")


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_is_really_run() -> None:
    check = sandboxes.works(BUBBLEWRAP_KIND)
    assert check == Check("bubblewrap", "ok", "a sandbox opens and runs commands")


def test_bubblewrap_that_is_absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    check = sandboxes.works(BUBBLEWRAP_KIND)
    assert check.status == "warn"
    assert "not installed" in check.found
    assert "install it" in check.remedy


def test_bubblewrap_that_may_not_make_namespaces(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    check = sandboxes.works(BUBBLEWRAP_KIND)
    assert check.status == "warn"
    assert "No permissions" in check.found
    assert check.remedy


@pytest.mark.parametrize(
    ("kind", "found", "failed"),
    [
        ("auto", [NO_DOCKER, BUBBLEWRAP], set()),
        ("auto", [NO_DOCKER, NO_BUBBLEWRAP], {"docker", "bubblewrap"}),
        ("docker", [NO_DOCKER, BUBBLEWRAP], {"docker"}),
        ("bubblewrap", [NO_DOCKER, BUBBLEWRAP], set()),
        ("bubblewrap", [NO_DOCKER, NO_BUBBLEWRAP], {"bubblewrap"}),
    ],
)
def test_what_the_settings_ask_for_must_work(
    kind: str, found: list[Check], failed: set[str]
) -> None:
    checks = sandboxes.required(found, kind)
    assert {check.name for check in checks if check.status == "fail"} == failed


@pytest.mark.parametrize("begin", [PREFIX, f"{SCRATCH}git-"])
def test_strays_are_named_and_removed_on_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begin: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cgroup, "ROOT", tmp_path / "none")  # other tests' owners are killed too
    assert sandboxes.orphans(fix=False) == Check("orphans", "ok", "none")
    folder = tmp_path / f"{begin}dead"
    folder.mkdir()
    dead = Owner("run", "task", 0, pid=2**22 + 1, boot_id=boot_id())  # above the highest pid
    (folder / OWNER_FILE).write_text(json.dumps(labels(dead)))
    check = sandboxes.orphans(fix=False)
    assert check.status == "warn"
    assert str(folder) in check.found
    assert sandboxes.orphans(fix=True) == Check("orphans", "ok", "removed 1, 0 left")
    assert not folder.exists()


def test_a_scratch_folder_in_use_is_no_orphan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cgroup, "ROOT", tmp_path / "none")
    with scratch_folder("git") as folder:
        assert sandboxes.orphans(fix=False) == Check("orphans", "ok", "none")
        assert folder.exists()
    assert not folder.exists()
