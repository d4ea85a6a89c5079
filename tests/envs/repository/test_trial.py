"""What becomes of submissions, well made or not, beside what the official grader says of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from envs.repository.applying import GRADER_COMMANDS
from envs.repository.repository import SandboxRepository
from envs.repository.verify import Verifier
from envs.task import HiddenTests, IssueTask
from tools.tool import Checked

from ..graderlocal import files_of, grader_applies

LINES = "".join(f"line {number}\n" for number in range(1, 31))
OTHER = LINES.replace("line", "row")


@dataclass
class Place:
    """A sandbox with a repository in which the model has already worked, and its start."""

    sandbox: Any
    start: Path
    root: Path
    repository: SandboxRepository

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True)
        return done.stdout.decode("utf-8", "surrogateescape")

    def diff(self, *arguments: str) -> str:
        return self.git("diff", "--binary", *arguments)

    def check(self, patch: str, cwd: Path | None = None) -> Checked:
        return self.repository.check(patch, str(cwd or self.root))


@pytest.fixture
def place(sandbox: Any, upstream: Any) -> Place:
    root = upstream.root
    (root / "pkg").mkdir()
    (root / "pkg" / "deep.py").write_text(LINES)
    (root / "top.py").write_text(OTHER)
    (root / "old.py").write_text("gone soon\n")
    (root / "dos.txt").write_bytes(LINES.replace("\n", "\r\n").encode())
    (root / "data.bin").write_bytes(bytes(range(256)))
    upstream.commit("More")
    (root / "build" / "lib").mkdir(parents=True)
    (root / "build" / "lib" / "app.py").write_text("left by the image\n")
    target = sandbox.folder / "testbed"
    sandbox.put_tree(str(root), str(target))
    repository = SandboxRepository(sandbox, str(target))
    repository.prepare()
    made = Place(sandbox, root, target, repository)
    (target / "pkg" / "deep.py").write_text(LINES.replace("line 15\n", "line fifteen\nmore\n"))
    (target / "top.py").write_text(OTHER.replace("row 3\n", "row three\n"))
    return made


def recount(patch: str, old: int, new: int) -> str:
    """The patch with wrong numbers of lines in its hunks."""
    return re.sub(
        r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@",
        lambda found: f"@@ -{found[1]},{int(found[2]) + old} +{found[3]},{int(found[4]) + new} @@",
        patch,
    )


def staged(place: Place, *arguments: str) -> str:
    place.git("add", "-A", *arguments)
    return place.diff("--cached")


def renamed(place: Place) -> str:
    (place.root / "old.py").rename(place.root / "new name.py")
    place.git("add", "old.py", "new name.py")
    return place.diff("--cached", "-M")


def binary(place: Place) -> str:
    (place.root / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    return place.diff("data.bin")


def dos(place: Place) -> str:
    text = LINES.replace("line 7\n", "line seven\n").replace("\n", "\r\n")
    (place.root / "dos.txt").write_bytes(text.encode())
    return place.diff("dos.txt")


def committed(place: Place) -> str:
    """What was changed after a commit of the model's own."""
    place.git("commit", "-qam", "part")
    (place.root / "pkg/deep.py").write_text(LINES.replace("line 15\n", "line fifteen\nagain\n"))
    return place.diff()


def stashed(place: Place) -> str:
    patch = place.diff("--no-prefix")
    place.git("stash", "-q")
    return patch


def blanked(patch: str) -> str:
    """Empty lines of context without their blank."""
    return patch.replace("\n \n", "\n\n")


CASES: dict[str, tuple[Callable[[Place], str], str | None]] = {
    "well made": (lambda p: p.diff(), None),
    "no final newline": (lambda p: p.diff().rstrip("\n"), None),
    "final blanks": (lambda p: p.diff() + "\n\n  \n", None),
    "text before and after": (lambda p: f"My patch:\n\n{p.diff()}\nThat is all.\n", "form"),
    "without git's lines": (
        lambda p: re.sub(r"^(diff|index) .*\n", "", p.diff(), flags=re.M),
        "form",
    ),
    "format-patch": (
        lambda p: p.git("commit", "-qam", "x") + p.git("format-patch", "-1", "--stdout"),
        "form",
    ),
    "carriage returns": (lambda p: p.diff().replace("\n", "\r\n"), "form"),
    "a file with carriage returns": (dos, None),
    "that, sent as text": (lambda p: re.sub("\r?\n", "\r\n", dos(p)), None),
    "the last line not counted": (lambda p: recount(p.diff(), -1, -1), None),
    "too few counted": (lambda p: recount(p.diff(), -2, 0), "counts"),
    "too many counted": (lambda p: recount(p.diff(), 2, 1), "counts"),
    "cut in a file's header": (lambda p: p.diff()[:-60], "form"),
    "cut in a hunk": (lambda p: p.diff().split("+line fif")[0], "refused"),
    "no prefix": (lambda p: p.diff("--no-prefix"), "prefix"),
    "no prefix, tree put back": (stashed, "prefix"),
    "relative to a folder": (lambda p: p.diff("--relative=pkg", "--no-prefix"), "refused"),
    "other context": (lambda p: p.diff().replace(" line 12\n", " line twelve\n"), "form"),
    "other lines": (lambda p: p.diff().replace("-line 15\n", "-line 99\n"), "refused"),
    "empty context": (lambda p: blanked(p.diff()), None),
    "other blanks": (lambda p: p.diff().replace(" line 12\n", " line 12  \n"), "form"),
    "other blanks in removed lines": (
        lambda p: re.sub(r"^-(line|row) (\d+)$", r"-\1\t\2", p.diff(), flags=re.M),
        "blanks",
    ),
    "colours": (lambda p: p.diff("--color=always"), "colours"),
    "reversed": (lambda p: p.diff("-R"), "reversed"),
    "indented": (lambda p: re.sub("^", "    ", p.diff(), flags=re.M), "form"),
    "after a commit": (committed, "refused"),
    "untracked files of the image": (staged, "form"),
    "a rename": (renamed, None),
    "binary": (binary, None),
    "binary without its last line": (lambda p: binary(p).rstrip("\n"), None),
    "binary, abridged": (lambda p: (binary(p), p.git("diff", "data.bin"))[1], "refused"),
    "a deletion": (lambda p: ((p.root / "old.py").unlink(), p.diff())[1], None),
    "names that climb": (lambda p: p.diff().replace("a/top.py", "a/../top.py"), "form"),
    "outside": (lambda p: p.diff().replace("/top.py", "/../top.py"), "refused"),
    "no diff at all": (lambda p: "diff\nI changed it.\n", "refused"),
    "changes nothing": (lambda p: p.diff().split("\n@@")[0] + "\n", "refused"),
}


def same_but_untracked(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without what the grader itself removes between its tries."""
    return {path: content for path, content in files.items() if not path.startswith("build/")}


@pytest.fixture
def official(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], dict[str, bytes] | None]:
    start = tmp_path / "untouched"
    shutil.copytree(place.start, start, symlinks=True)
    return lambda patch: grader_applies(start, patch, tmp_path / "grader", monkeypatch)


@pytest.mark.parametrize("case", CASES)
def test_what_the_grader_takes_is_taken_and_means_the_same(
    case: str, place: Place, official: Callable[[str], dict[str, bytes] | None]
) -> None:
    make, wanted = CASES[case]
    meant = files_of(place.root)
    patch = make(place)
    meant = meant if "put back" in case else files_of(place.root)
    checked = place.check(patch)
    assert (checked.repair if checked.patch is not None else "refused") == wanted, checked
    given = official(patch)
    begun = same_but_untracked(files_of(place.start))
    if checked.patch is None:
        assert given is None or same_but_untracked(given) == begun
        return
    handed_in = official(checked.patch)
    assert handed_in is not None
    assert checked.patch.startswith("diff --git ")
    made = same_but_untracked(handed_in)
    if given is not None and same_but_untracked(given) != begun:
        assert same_but_untracked(given) == made
    else:  # repaired: what the model meant
        changed = {path for path, content in made.items() if content != begun.get(path)}
        assert changed
        assert {path: made[path] for path in changed} == {path: meant[path] for path in changed}


@pytest.mark.parametrize("case", CASES)
def test_the_judge_agrees_with_the_grader(
    case: str, place: Place, official: Callable[[str], dict[str, bytes] | None], tmp_path: Path
) -> None:
    patch = CASES[case][0](place)
    clean = place.sandbox.folder.parent / "judged"
    place.sandbox.close()

    def make() -> Any:
        fresh = type(place.sandbox)(clean)
        fresh.close()
        return fresh

    tests = HiddenTests({}, "true", ("x",), report="exit-code")
    untouched = tmp_path / "source"
    shutil.copytree(place.start, untouched, symlinks=True)
    task = IssueTask("x", "x", untouched, root=str(clean / "testbed"), tests=tests)
    verdict = Verifier(make).verify(task, patch)
    assert ("does not apply" in verdict.detail) == (official(patch) is None)


def test_the_commands_are_those_of_the_installed_grader() -> None:
    from swebench.harness.run_evaluation import GIT_APPLY_CMDS

    assert list(GRADER_COMMANDS) == GIT_APPLY_CMDS
