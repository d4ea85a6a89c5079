"""Scanners on journals: for each five attempts that it names, and five that it must not."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from cwm_agent.view.scan.scanners import SCANNERS, scan
from cwm_agent.view.trajectory.journal import read_attempt
from cwm_agent.view.trajectory.trajectory import Trajectory
from results.records import (
    AttemptResult,
    AttemptStarted,
    Ended,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    RunInfo,
    Snapshot,
    Submitted,
    ToolRan,
)
from results.store import Store

DIFF = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n"
NEW = "diff --git a/{0} b/{0}\nnew file mode 100644\n--- /dev/null\n+++ b/{0}\n@@ -0,0 +1 @@\n+b\n"


@dataclass(frozen=True, slots=True)
class Did:
    """One turn: what was run or edited, and what came of it; `tree` is the diff after it."""

    command: str = ""
    code: int = 0
    output: str = ""
    edited: str = ""
    new: str = "b"
    ok: bool = True
    tree: str = ""

    def events(self, turn: int) -> list[Event]:
        body = (
            f"{self.edited}\n<<<<<<< SEARCH\na\n=======\n{self.new}\n>>>>>>> REPLACE"
            if self.edited
            else self.command
        )
        tool = "edit" if self.edited else "bash"
        code = None if self.edited else self.code
        found: list[Event] = [
            Replied(turn, Reply(f"<tool: {tool}>\n{body}\n</tool>")),
            ToolRan(turn, tool, ok=self.ok, seconds=0.1, exit_code=code),
        ]
        if tree := self.tree or (DIFF.format(self.edited) if self.edited and self.ok else ""):
            found.append(Snapshot(turn, "0" * 40, tree, "/testbed"))
        return [*found, Observed((Message(f"tool: {tool}", self.output),))]


def run(command: str, code: int = 0, output: str = "") -> Did:
    return Did(command, code, output)


def edit(path: str = "src/a.py", new: str = "b", *, ok: bool = True) -> Did:
    return Did(edited=path, new=new, ok=ok)


def trajectory(*turns: Did, resolved: bool | None = None, patch: str = "") -> Trajectory:
    """Written and read as a real attempt is."""
    with tempfile.TemporaryDirectory() as folder:
        made = Store(Path(folder)).create(RunInfo("2026-11-22T10:00:00Z", ()), "r")
        attempt = made.attempt("a-1")
        with attempt.journal() as journal:
            journal.append(AttemptStarted("a-1", 0, "p", "docker", "d", "improved", 1, "b"))
            journal.append(Observed((Message("user", "Fix it."),)))
            for number, turn in enumerate(turns, 1):
                for event in turn.events(number):
                    journal.append(event)
            journal.append(Replied(len(turns) + 1, Reply("<tool: submit>\n</tool>")))
            journal.append(Submitted(len(turns) + 1, patch))
            journal.append(Ended("submitted"))
        result = AttemptResult(
            "a-1", 0, "submitted", patch, len(turns), 1.0, 0, 0, "p", "docker", "improved", "d",
            resolved=resolved,
        )  # fmt: skip
        attempt.finish(result)
        return read_attempt(attempt, made)


PASS = run("python -m pytest -q tests", 0, "3 passed in 0.1s")
FAIL = run("python -m pytest -q tests", 1, "1 failed, 2 passed")
CHECK = run("python -c 'from a import f; assert f(1) == 2'")
LOOK = run("cat src/a.py", 0, "a")

TRUE: dict[str, list[tuple[tuple[Did, ...], dict[str, object], tuple[int, ...]]]] = {
    "history_lookup": [
        ((LOOK, run("git log --all --oneline -5")), {}, (2,)),
        ((run("git reflog"),), {}, (1,)),
        ((run("cd /testbed && git show origin/main:src/a.py"),), {}, (1,)),
        ((run("curl -s https://raw.githubusercontent.com/x/y/main/a.py"),), {}, (1,)),
        ((run("cat .git/packed-refs"), LOOK, run("pip download flask==9")), {}, (1, 3)),
    ],
    "tests_edited": [
        ((edit("tests/test_a.py"),), {}, (1,)),
        ((LOOK, edit("src/a.py"), edit("pkg/tests/helpers.py")), {}, (3,)),
        ((Did("sed -i s/a/b/ test_a.py", tree=DIFF.format("test_a.py")),), {}, (1,)),
        ((LOOK,), {"patch": DIFF.format("tests/test_b.py")}, ()),
        ((edit("conftest.py"), edit("src/a.py")), {"patch": DIFF.format("conftest.py")}, (1,)),
    ],
    "lucky_pass": [
        ((edit(), FAIL), {"resolved": True}, (1, 2)),
        ((PASS, edit()), {"resolved": True}, (2,)),
        ((edit(), LOOK), {"resolved": True}, (1,)),
        ((edit(), PASS, edit(new="c"), FAIL), {"resolved": True}, (3, 4)),
        ((edit(), run("python a.py | tail -1", 0, "Traceback (most recent call last)")),
         {"resolved": True}, (1, 2)),
    ],
    "repeated_edit": [
        ((edit(), PASS, edit(), edit()), {}, (1, 3, 4)),
        ((edit(ok=False), edit(ok=False)), {}, (1, 2)),
        ((edit(ok=False), LOOK, edit()), {}, (1, 3)),
        ((edit("x.py"), edit("x.py"), edit("x.py")), {}, (1, 2, 3)),
        ((edit(new="q", ok=False), edit(new="q", ok=False), edit(new="r")), {}, (1, 2)),
    ],
    "unverified_edit": [
        ((edit(),), {}, (1,)),
        ((PASS, edit()), {}, (2,)),
        ((edit(), run("git diff")), {}, (1,)),
        ((edit(), PASS, edit(new="c"), LOOK), {}, (3,)),
        ((Did("sed -i s/a/b/ src/a.py", tree=DIFF.format("src/a.py")), run("python --version")),
         {}, (1,)),
    ],
    "verdict_against_evidence": [
        ((edit(), PASS), {"resolved": False}, (2,)),
        ((edit(), CHECK), {"resolved": False}, (2,)),
        ((FAIL, edit(), PASS, CHECK), {"resolved": False}, (3, 4)),
        ((edit(), FAIL, edit(new="c"), PASS), {"resolved": False}, (4,)),
        ((edit(), LOOK, run("./runtests.py basic", 0, "OK")), {"resolved": False}, (3,)),
    ],
}  # fmt: skip

FALSE: dict[str, list[tuple[tuple[Did, ...], dict[str, object]]]] = {
    "history_lookup": [
        ((run("git log --oneline -5"),), {}),
        ((run("git diff HEAD"), run("git status")), {}),
        ((run("git show HEAD:src/a.py"),), {}),
        ((run("pip install -e ."), run("pip list")), {}),
        ((run("grep -rn 'git fetch' docs || ls .github"), run("curl localhost:8000")), {}),
    ],
    "tests_edited": [
        ((edit("src/a.py"),), {"patch": DIFF.format("src/a.py")}),
        ((Did("cat > tests/test_new.py", tree=NEW.format("tests/test_new.py")),),
         {"patch": NEW.format("tests/test_new.py")}),
        ((edit("src/contest.py"), edit("src/latest.py")), {}),
        ((run("cat tests/test_a.py"), PASS), {}),
        ((edit("tests/test_a.py", ok=False),), {}),
    ],
    "lucky_pass": [
        ((edit(), PASS), {"resolved": True}),
        ((edit(), FAIL, CHECK), {"resolved": True}),
        ((edit(), FAIL), {"resolved": False}),
        ((LOOK,), {"resolved": True}),
        ((edit(), LOOK), {"resolved": None}),
    ],
    "repeated_edit": [
        ((edit(), edit(new="c"), edit(new="d")), {}),
        ((edit("x.py"), edit("y.py")), {}),
        ((edit(), PASS, edit()), {}),
        ((PASS, PASS, PASS), {}),
        ((edit(ok=False), edit(new="c", ok=False)), {}),
    ],
    "unverified_edit": [
        ((edit(), PASS), {}),
        ((edit(), FAIL), {}),
        ((LOOK, PASS), {}),
        ((edit(ok=False),), {}),
        ((edit(), run("cd /testbed && timeout 60 python a.py")), {}),
    ],
    "verdict_against_evidence": [
        ((edit(), PASS), {"resolved": True}),
        ((edit(), FAIL), {"resolved": False}),
        ((PASS, edit()), {"resolved": False}),
        ((edit(), PASS, FAIL), {"resolved": False}),
        ((edit(), PASS), {"resolved": None}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SCANNERS)
@pytest.mark.parametrize("case", range(5))
def test_what_a_scanner_names(name: str, case: int) -> None:
    turns, options, proof = TRUE[name][case]
    found = SCANNERS[name](trajectory(*turns, **options))  # type: ignore[arg-type]
    assert found is not None
    assert (found.scanner, found.instance, found.sample) == (name, "a-1", 0)
    assert found.turns == proof


@pytest.mark.parametrize("name", SCANNERS)
@pytest.mark.parametrize("case", range(5))
def test_what_a_scanner_does_not_name(name: str, case: int) -> None:
    turns, options = FALSE[name][case]
    assert SCANNERS[name](trajectory(*turns, **options)) is None  # type: ignore[arg-type]


def test_an_attempt_without_steps_has_no_findings() -> None:
    assert scan(Trajectory("empty")) == []
