"""Taking test, configuration, binary and scratch files out of patches that git itself made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.repository.patches import Dropped, is_test_file, patch_paths, split_patch, strip_patch


@pytest.fixture
def patch(upstream: Any) -> str:
    root = upstream.root
    (root / "old name.py").write_text("x\n" * 30)
    (root / "debug.py").write_text("a part of the program\n")
    upstream.commit("More")
    (root / "tests").mkdir()
    (root / "tests" / "test_greet.py").write_text("diff --git a/x b/x\n--- a/no.py\n")
    (root / "greet.py").write_text("diff \n")
    (root / "pyproject.toml").write_text("[tool.pytest]\n")
    (root / "pic.png").write_bytes(b"\0\1\2" * 50)
    (root / "ünï\tcode.py").write_text("y\n")
    (root / "empty.py").touch()
    (root / "fix.patch").write_text("diff --git a/greet.py b/greet.py\n")
    (root / "repro.py").write_text("import greet\n")
    (root / "debug.py").write_text("more\n")
    (root / "old name.py").rename(root / "new name.py")
    upstream("add", "-A")
    return upstream("diff", "--cached", "--binary", "-M") + "\n"


def test_nothing_is_dropped_unasked(patch: str) -> None:
    assert strip_patch(patch).patch == patch
    assert strip_patch(patch).dropped == ()


def test_what_is_dropped_is_named(patch: str, upstream: Any) -> None:
    result = strip_patch(patch, tests=True, config=True, binary=True, scratch=True)
    assert set(result.dropped) == {
        Dropped("pic.png", "binary"),
        Dropped("pyproject.toml", "config"),
        Dropped("tests/test_greet.py", "test"),
        Dropped("fix.patch", "scratch"),
        Dropped("repro.py", "scratch"),
    }
    (upstream.root.parent / "rest.patch").write_text(result.patch)
    upstream("reset", "-q", "--hard")
    upstream("apply", "../rest.patch")
    assert (upstream.root / "greet.py").read_text() == "diff \n"
    assert (upstream.root / "debug.py").read_text() == "more\n"
    assert not (upstream.root / "tests").exists()


def test_every_path_is_read_as_git_wrote_it(patch: str) -> None:
    paths = [patch_paths(section) for section in split_patch(patch)]
    assert sorted(paths) == sorted(
        [
            ("debug.py",),
            ("empty.py",),
            ("fix.patch",),
            ("greet.py",),
            ("old name.py", "new name.py"),
            ("pic.png",),
            ("pyproject.toml",),
            ("repro.py",),
            ("tests/test_greet.py",),
            ("ünï\tcode.py",),
        ]
    )


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/data/x.txt", True),
        ("pkg/test_a.py", True),
        ("pkg/a_test.go", True),
        ("conftest.py", True),
        ("src/app.spec.ts", True),
        ("pkg/testing.py", False),
        ("pkg/latest.py", False),
        ("contest.py", False),
        ("", False),
    ],
)
def test_test_files_are_known_by_folder_or_name(path: str, expected: bool) -> None:
    assert is_test_file(path) == expected


@given(st.text(alphabet=st.sampled_from("diff +-@\n\\ab7/\"'ü\udcff"), max_size=200))
def test_any_text_is_kept_whole_when_nothing_is_dropped(text: str) -> None:
    assert "".join(split_patch(text)) == text
    assert strip_patch(text, tests=False).patch == text
    strip_patch(text, tests=True, config=True, binary=True, scratch=True)


@pytest.mark.parametrize("path", ["conftest.py", "setup.cfg", "reproduce.py"])
def test_line_ends_of_windows_hide_no_file(path: str) -> None:
    plain = (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
        "@@ -0,0 +1 @@\n+x\n"
    )
    found = strip_patch(plain.replace("\n", "\r\n"), tests=True, config=True, scratch=True)
    assert (found.patch, [item.path for item in found.dropped]) == ("", [path])
