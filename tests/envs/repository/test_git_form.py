"""Working trees whose files have another form in git than on disk: their patches apply."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from envs.repository.repository import SandboxRepository, WorkingTree

from ..graderlocal import files_of, grader_applies

TEXT = "".join(f"line {number}\n" for number in range(1, 13))
ATTRIBUTES = """*.ident ident
*.utf16 working-tree-encoding=UTF-16LE
*.dos text eol=crlf
*.auto text=auto
*.loud filter=loud
*.odd filter=missing
odd?[name] binary
"""


def changed(content: bytes) -> bytes:
    """The seventh line replaced, whatever the encoding."""
    for encoding in ("utf-16le", "latin-1"):
        text = content.decode(encoding, "replace")
        for old, new in (("line 7", "line seven"), ("LINE 7", "LINE SEVEN")):
            if old in text:
                return text.replace(old, new).encode(encoding)
    return content + b"\xe9more\n"


@pytest.fixture
def checkout(upstream: Any) -> Path:
    """A checkout with every kind of conversion, made by git as it makes one for a user."""
    root: Path = upstream.root
    upstream("config", "filter.loud.clean", "tr A-Z a-z")
    upstream("config", "filter.loud.smudge", "tr a-z A-Z")
    (root / ".gitattributes").write_text(ATTRIBUTES)
    for ending in ("dos", "auto", "loud", "odd", "py"):
        (root / f"file.{ending}").write_text(TEXT)
    (root / "file.ident").write_text(TEXT.replace("line 6", "$Id$"))
    (root / "file.utf16").write_bytes(TEXT.encode("utf-16le"))
    (root / "latin.txt").write_bytes(f"caf\xe9\n{TEXT}".encode("latin-1"))
    (root / "data.bin").write_bytes(bytes(range(256)))
    (root / "odd?[name]").write_text(TEXT)
    upstream.commit("Start")
    for path in root.glob("*"):
        if path.is_file():
            path.unlink()
    upstream("checkout", "-q", ".")
    assert "$Id: " in (root / "file.ident").read_text()
    assert b"\r\n" in (root / "file.dos").read_bytes()
    assert "LINE 1" in (root / "file.loud").read_text()
    return root


@pytest.fixture
def model(sandbox: Any, checkout: Path) -> tuple[Path, SandboxRepository]:
    """The model's copy, and the harness's view of it."""
    root = sandbox.folder / "testbed"
    sandbox.put_tree(str(checkout), str(root))
    repository = SandboxRepository(sandbox, str(root))
    repository.prepare()
    return root, repository


@pytest.fixture
def apply(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, bytes] | None]:
    return lambda patch: grader_applies(checkout, patch, tmp_path / "grader", monkeypatch)


def test_a_change_to_each_kind_of_file_applies(
    model: tuple[Path, SandboxRepository], apply: Any, checkout: Path
) -> None:
    root, repository = model
    for path in sorted(root.glob("*")):
        if path.is_file() and path.name != ".gitattributes":
            path.write_bytes(changed(path.read_bytes()))
    (root / "new latin é.txt").write_bytes(b"na\xefve\n")
    (root / "new.dos").write_bytes(b"one\r\ntwo\r\n")
    state = repository.snapshot()
    state.patch.encode()  # a prediction is UTF-8
    assert subprocess.run(
        ["git", "apply", "--check"], cwd=checkout, input=state.patch.encode(), check=True
    )
    given = apply(state.patch)
    assert given is not None
    wanted = files_of(root)
    for files in (given, wanted):  # git writes the new object's id there
        files["file.ident"] = re.sub(rb"Id: \w+", b"Id", files["file.ident"])
    assert given == wanted
    assert "-line 7\n+line seven\n" in state.patch[state.patch.index("file.utf16") :]
    assert "$Id$" in state.patch


def test_the_model_may_hand_in_what_its_own_git_says(
    model: tuple[Path, SandboxRepository], apply: Any
) -> None:
    root, repository = model
    for name in ("file.ident", "file.utf16", "file.dos", "file.loud"):
        (root / name).write_bytes(changed((root / name).read_bytes()))
    diff = subprocess.run(
        ["git", "diff"], cwd=root, check=True, capture_output=True, text=True
    ).stdout
    checked = repository.check(diff, str(root))
    assert (checked.patch, checked.repair) == (diff, None)
    assert apply(diff) is not None
    bad = diff.replace("@@ -", "@@ -1", 1)
    repaired = repository.check(diff.replace(",7 +", ",9 +", 1), str(root))
    assert repaired.repair == "counts"
    assert repaired.patch is not None
    assert apply(repaired.patch) == apply(diff)
    assert repository.check(bad, str(root)).patch is not None


def test_a_submission_with_other_bytes_than_utf8_is_written_as_binary(
    model: tuple[Path, SandboxRepository], apply: Any
) -> None:
    root, repository = model
    (root / "latin.txt").write_bytes(changed((root / "latin.txt").read_bytes()))
    (root / "file.py").write_text(TEXT.replace("line 7", "line seven"))
    shown = subprocess.run(["git", "diff"], cwd=root, check=True, capture_output=True).stdout
    checked = repository.check(shown.decode("utf-8", "surrogateescape"), str(root))
    assert checked.patch is not None
    assert checked.patch.isascii()
    assert "+line seven\n" in checked.patch
    given = apply(checked.patch)
    assert given is not None
    assert given["latin.txt"] == (root / "latin.txt").read_bytes()


def test_an_ordinary_change_is_its_own_patch(
    model: tuple[Path, SandboxRepository],
) -> None:
    root, repository = model
    (root / "file.py").write_text(TEXT.replace("line 7", "line seven"))
    (root / "file.auto").write_text(TEXT.replace("line 7", "line seven"))
    (root / "data.bin").write_bytes(b"\0\1")
    state = repository.snapshot()
    assert isinstance(state, WorkingTree)
    assert state.patch == state.diff


def test_attributes_that_the_model_changed_are_no_trap(
    model: tuple[Path, SandboxRepository], apply: Any
) -> None:
    root, repository = model
    (root / ".gitattributes").unlink()
    (root / "file.ident").write_bytes(changed((root / "file.ident").read_bytes()))
    given = apply(repository.snapshot().patch)
    assert given is not None
    assert ".gitattributes" not in given
    assert b"line seven" in given["file.ident"]
