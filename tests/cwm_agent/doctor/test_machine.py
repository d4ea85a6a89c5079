"""Checks of the machine, each against a machine that has the fault."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from cwm_agent.doctor import machine


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_this_machine_has_python_and_git() -> None:
    assert machine.python().status == "ok"
    assert machine.git().status == "ok"


def test_git_that_is_absent(programs: Path) -> None:
    check = machine.git()
    assert (check.status, check.found) == ("fail", "not installed")
    assert "install git" in check.remedy


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ("echo git version 2.17.1", "warn", "2.17.1 is old"),
        ("echo git version 2.47.3", "ok", "2.47.3"),
        ("echo libpcre is missing >&2; exit 127", "fail", "does not run: libpcre is missing"),
    ],
)
def test_git_of_many_kinds(programs: Path, script: str, status: str, found: str) -> None:
    install(programs, "git", script)
    check = machine.git()
    assert (check.status, check.found) == (status, found)


def test_disk_that_is_full_or_nearly(tmp_path: Path) -> None:
    assert machine.disk("disk", tmp_path, low=0).status == "ok"
    assert machine.disk("disk", tmp_path, low=2**70).status == "warn"
    assert machine.disk("disk", Path("/proc")).status == "fail"  # has no free space at all


def test_a_runs_folder_that_will_be_made_is_fine_and_stays_unmade(tmp_path: Path) -> None:
    check = machine.runs_folder(tmp_path / "a" / "runs")
    assert check.status == "ok"
    assert "will be created" in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_runs_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file" / "runs", Path("/proc/runs")):
        check = machine.runs_folder(folder)
        assert check.status == "fail"
        assert "setting 'runs'" in check.remedy


@pytest.fixture
def few_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("few_files")
def test_a_low_limit_on_open_files() -> None:
    check = machine.open_files()
    assert check.status == "warn"
    assert check.found.startswith("512 ")
    assert "ulimit -n" in check.remedy


def test_the_clock_agrees_with_this_file_system(tmp_path: Path) -> None:
    assert machine.clock(tmp_path).status == "ok"


def test_the_nearest_existing_folder(tmp_path: Path) -> None:
    assert machine.nearest(tmp_path / "a" / "b") == tmp_path
    assert machine.nearest(tmp_path) == tmp_path
    assert machine.nearest(Path("absent")) == Path(os.getcwd())  # noqa: PTH109
