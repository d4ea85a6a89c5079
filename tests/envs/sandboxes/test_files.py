"""Files of a sandbox, without any program of the model's choosing in between."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envs.errors import SandboxError
from envs.sandbox.sandbox import Sandbox
from envs.sandbox.session import _os_error

EVERY_BYTE = bytes(range(256)) * 3


@pytest.fixture(autouse=True)
def clean_root(place: Sandbox) -> None:
    place.control("chmod -R u+w /testbed; rm -rf /testbed/* /testbed/.[!.]*", timeout=30)
    place.restart_shell(cwd="/testbed")


def output(place: Sandbox, command: str) -> str:
    return place.control(command, timeout=30).output


@pytest.mark.parametrize("data", [b"", EVERY_BYTE, b"\0" * 10, b"x" * 3_000_000], ids=len)
def test_bytes_come_back_as_they_went(place: Sandbox, data: bytes) -> None:
    place.write_file("file", data)
    assert place.read_file("/testbed/file") == data


@pytest.mark.parametrize("name", ["a b", "-n", "$(id)", "it's", "ü", "new\nline", "*", ".hidden"])
def test_any_name_is_only_a_name(place: Sandbox, name: str) -> None:
    assert place.path_kind(name) == "missing"
    place.write_file(name, b"1")
    assert place.path_kind(name) == "file"
    assert place.read_file(name) == b"1"
    assert output(place, "ls -A | wc -l") in ("1\n", "2\n")


def test_relative_paths_start_where_the_shell_stands(place: Sandbox) -> None:
    place.run("mkdir -p deep/er; ln -s deep/er link; cd link", timeout=30)
    place.write_file("../file", b"beside")
    assert place.read_file("/testbed/deep/file") == b"beside"


def test_a_broken_shell_does_not_matter(place: Sandbox) -> None:
    place.run("cat() { echo no; }; export -f cat; PATH=; IFS=/; set -f; umask 777", timeout=30)
    place.write_file("file", b"yes")
    assert place.read_file("file") == b"yes"


def test_a_new_content_is_younger_by_the_second(place: Sandbox) -> None:
    """Python takes a compiled module for right while seconds and size of its source agree."""
    ages = []
    for data in (b"1 + 2", b"3 + 4", b"5 + 6"):
        place.write_file("file", data)
        ages.append(int(output(place, "stat -c %Y file")))
    assert ages[0] < ages[1] < ages[2]


def test_a_content_is_younger_than_every_earlier_one_though_git_brought_an_old_one_back(
    place: Sandbox,
) -> None:
    place.write_file("file", b"1 + 2")
    place.write_file("file", b"3 + 4")
    second = int(output(place, "stat -c %Y file"))
    place.run("rm file; echo 1 + 2 >file", timeout=30)
    place.write_file("file", b"5 + 6")
    assert int(output(place, "stat -c %Y file")) > second


def test_mode_and_links_are_kept(place: Sandbox) -> None:
    place.run(
        "echo old >real; chmod 751 real; ln -s real link; mkdir d; ln -s ../real d/up", timeout=30
    )
    place.write_file("link", b"one")
    place.write_file("d/up", b"two")
    assert output(place, "stat -c %a real; cat real; readlink link d/up; ls") == (
        "751\ntworeal\n../real\nd\nlink\nreal\n"
    )


def test_kinds(place: Sandbox) -> None:
    place.run("mkdir d; touch f; mkfifo p; ln -s nowhere dangling; ln -s d dl", timeout=30)
    kinds = {name: place.path_kind(name) for name in ["d", "f", "p", "dangling", "dl", "none"]}
    assert kinds == {
        "d": "directory", "f": "file", "p": "other",
        "dangling": "missing", "dl": "directory", "none": "missing",
    }  # fmt: skip


def test_refusals_are_the_os_errors_of_python(place: Sandbox) -> None:
    place.run("mkdir d; touch f; mkfifo p", timeout=30)
    for path, error in [
        ("none", FileNotFoundError),
        ("d", IsADirectoryError),
        ("f/x", NotADirectoryError),
        ("p", OSError),
        ("", FileNotFoundError),
        ("nul\0", FileNotFoundError),
    ]:
        with pytest.raises(error):
            place.read_file(path)
    for path, error in [
        ("no/folder", FileNotFoundError),
        ("d", IsADirectoryError),
        ("f/x", NotADirectoryError),
        ("p", OSError),
    ]:
        with pytest.raises(error):
            place.write_file(path, b"x" * 100_000)
    assert place.read_file("f") == b""


def test_a_full_disk_costs_no_old_content(place: Sandbox) -> None:
    """/dev/shm is the smallest file system that both kinds have."""
    free = int(output(place, "df -B1 --output=avail /dev/shm | tail -1"))
    if free > 2**28:
        pytest.skip("/dev/shm is not small here")
    place.write_file("/dev/shm/file", b"old")
    with pytest.raises(OSError, match="No space left on device"):
        place.write_file("/dev/shm/file", b"x" * (free + 10**6))
    assert place.read_file("/dev/shm/file") == b"old"
    assert output(place, "ls /dev/shm; rm /dev/shm/file") == "file\n"


def test_a_tree_arrives_with_modes_links_and_empty_folders(place: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "run").write_text("#!/bin/sh\n")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "link").symlink_to("run")
    (tmp_path / "away").symlink_to("/etc/passwd")
    (tmp_path / ".hidden").write_bytes(EVERY_BYTE)
    os.utime(tmp_path / "run", (10**9, 10**9))
    place.put_tree(str(tmp_path), "new/tree")
    listing = output(place, "cd new/tree; stat -c '%n %a %F %Y' run empty; readlink link away")
    mode = oct((tmp_path / "empty").stat().st_mode & 0o777)[2:]
    assert listing.startswith("run 755 regular file 1000000000\n")
    assert f"empty {mode} directory" in listing
    assert listing.endswith("run\n/etc/passwd\n")
    assert place.read_file("new/tree/.hidden") == EVERY_BYTE


def test_a_missing_tree_is_named(place: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="is not a folder"):
        place.put_tree(str(tmp_path / "none"), "/testbed")


def test_a_program_that_an_image_lacks_is_named() -> None:
    error = _os_error(b"bash: line 3: mkdir: command not found\n", "/testbed")
    assert "lacks the program mkdir: its image needs bash 4.4 and coreutils" in str(error)
