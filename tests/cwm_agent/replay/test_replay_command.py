"""`cwm-agent replay` on runs that were really made, in both kinds of sandbox."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cases import (
    CHECK,
    CONVERSATION,
    EDIT,
    LOOK,
    SUBMIT,
    Solve,
    git,
    run_in_turn,
    slow,
    write_recording,
)

from results.records import Observed, Replied
from results.store import Store

TASK = ("add subtracts", "--repo", "repository", "--name", "run")
RESTLESS = (
    "<tool: bash>\ndate; date +%s; hostname; mktemp -d; echo pid=$BASHPID\n</tool>",
    "<tool: bash>\npython -c 'print(object(), {str(n) for n in range(9)})'\n</tool>",
    "<tool: bash>\ngit commit -qam mine --allow-empty; git log -1; git rev-parse HEAD\n</tool>",
    "<tool: bash>\nsleep 5 & echo started\n</tool>",
    "no call at all",
    "<tool: bash>\nsleep 30\n</tool>",
    "<tool: bash>\nexit 3\n</tool>",
)


IN_EACH = pytest.mark.parametrize(
    "sandbox",
    ["bubblewrap", pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow])],
)


class Replay:
    """The command line in the folder of `solve`."""

    def __init__(self, solve: Solve) -> None:
        self.solve = solve

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cwm_agent", "replay", *arguments],
            cwd=self.solve.folder,
            env=self.solve.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def in_turn(self, *commands: tuple[str, ...]) -> list[subprocess.CompletedProcess[str]]:
        """Several ones in one process."""
        lines = [("replay", *arguments) for arguments in commands]
        return run_in_turn(lines, self.solve.folder, self.solve.environment)

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        done = self("run", "--json", *arguments)
        assert done.returncode == code, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def replay(solve: Solve) -> Replay:
    return Replay(solve)


@pytest.fixture(scope="module")
def one_recorded(tmp_path_factory: pytest.TempPathFactory) -> Solve:
    """The conversation in bubblewrap, recorded once for all tests that only read or alter it."""
    solve = Solve(tmp_path_factory.mktemp("recorded"))
    record(solve, "bubblewrap", *CONVERSATION)
    shutil.copytree(solve.folder / "runs", solve.folder / "kept")
    return solve


@pytest.fixture
def recorded(one_recorded: Solve) -> Solve:
    """As it was recorded, whatever the test before did to it."""
    shutil.rmtree(one_recorded.folder / "runs")
    shutil.copytree(one_recorded.folder / "kept", one_recorded.folder / "runs")
    return one_recorded


def record(solve: Solve, sandbox: str, *replies: str, more: tuple[str, ...] = ()) -> None:
    recording = write_recording(solve.folder / "talk.yaml", *replies)
    solve(*TASK, "--sandbox", sandbox, "--replay", recording, *more)
    assert len([e for e in solve.events("run") if isinstance(e, Replied)]) >= 1


def journal(solve: Solve) -> Path:
    return next(solve.folder.glob("runs/run/*/0/events.jsonl"))


def alter(solve: Solve, kind: str, turn: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record of `kind` that follows the reply of `turn`."""
    lines = [json.loads(line) for line in journal(solve).read_text().splitlines()]
    start = next(
        place
        for place, line in enumerate(lines)
        if line["kind"] == "replied" and line["data"]["turn"] == turn
    )
    change(next(line["data"] for line in lines[start:] if line["kind"] == kind))
    journal(solve).write_text("".join(json.dumps(line) + "\n" for line in lines))


@IN_EACH
def test_what_differs_by_nature_is_no_difference(
    solve: Solve, sandbox: str, replay: Replay
) -> None:
    limits = ("--set", "limits.command_seconds=2")
    record(solve, sandbox, LOOK, *RESTLESS, EDIT, *SUBMIT, more=limits)
    before = {path: path.read_bytes() for path in solve.folder.glob("runs/**/*") if path.is_file()}
    answer = replay.json("--verify")
    turns = len(RESTLESS) + 2 + len(SUBMIT)
    assert (answer["turns"], answer["compared"], answer["same"]) == (turns, turns, True)
    assert (answer["differing_turn"], answer["difference"], answer["tree_differs"]) == (None,) * 3
    used = {"time", "address", "temporary name", "commit id", "set order"}
    assert used <= answer["rules"].keys()
    after = {path: path.read_bytes() for path in solve.folder.glob("runs/**/*") if path.is_file()}
    assert after == before
    assert solve.orphans() == []


def test_the_first_result_that_differs_is_shown(recorded: Solve) -> None:
    replay = Replay(recorded)

    def other(data: dict[str, Any]) -> None:
        data["messages"][0]["text"] = data["messages"][0]["text"].replace("a - b", "a / b")

    alter(recorded, "observed", 1, other)
    alter(recorded, "tool_ran", 4, lambda data: data.update(exit_code=7))
    answer = replay.json("--verify", code=3)
    assert (answer["same"], answer["differing_turn"], answer["compared"]) == (False, 1, 1)
    difference = answer["difference"]
    assert (difference["what"], difference["turn"]) == ("text", 1)
    assert (difference["recorded"], difference["now"]) == ("    return a / b", "    return a - b")
    done = replay("run", "--verify")
    assert done.returncode == 3
    assert "turn 1 differs" in done.stdout
    assert "recorded      return a / b" in done.stdout


@pytest.mark.parametrize(
    ("kind", "turn", "change", "what"),
    [
        ("tool_ran", 4, {"exit_code": 7}, "exit code"),
        ("tool_ran", 4, {"ending": "timeout"}, "ending"),
        ("submitted", 6, {"patch": "diff --git a/x b/x\n"}, "patch"),
        ("ended", 7, {"reason": "turn_limit"}, "end"),
    ],
)
def test_facts_beside_the_text_count_too(
    recorded: Solve, kind: str, turn: int, change: dict[str, Any], what: str
) -> None:
    alter(recorded, kind, turn, lambda data: data.update(change))
    answer = Replay(recorded).json("--verify", code=3)
    assert (answer["differing_turn"], answer["difference"]["what"]) == (turn, what)


def test_other_files_with_the_same_results_are_only_noted(solve: Solve, replay: Replay) -> None:
    record(solve, "bubblewrap", "<tool: bash>\ndate +%N > stamp\n</tool>", EDIT, *SUBMIT)
    answer = replay.json("--verify")
    assert (answer["same"], answer["tree_differs"]) == (True, 1)


def test_without_verify_each_turn_is_printed(recorded: Solve) -> None:
    replay = Replay(recorded)
    done = replay("run", "--until", "2")
    assert done.returncode == 0, done.stderr
    turns = re.findall(r"^.( *\d+ \w+ .*)$", done.stdout, re.MULTILINE)
    assert [turn.split()[0] for turn in turns] == ["0", "1", "2"]
    assert re.match(r"  1 bash +ls; cat calc.py +exit 0 +\d+\.\d s", turns[1])
    assert "return a - b" in done.stdout
    answer = replay.json("--until", "2")
    assert [turn["turn"] for turn in answer["observations"]] == [0, 1, 2]
    assert [turn["tool"] for turn in answer["observations"]] == [None, "bash", "bash"]
    assert answer["observations"][2]["exit_code"] == 1


@IN_EACH
def test_a_resumed_attempt_is_replayed_as_it_came_about(
    solve: Solve, sandbox: str, replay: Replay
) -> None:
    talk = (LOOK, "<tool: bash>\nexport X=7; touch /tmp/gone\n</tool>", EDIT, slow(2))
    rest = ('<tool: bash>\necho "[$X]"; ls /tmp/gone; cat slow.txt\n</tool>', CHECK, *SUBMIT)
    recording = write_recording(solve.folder / "talk.yaml", *talk, *rest)
    process = solve.start(*TASK, "--sandbox", sandbox, "--replay", recording)
    solve.wait_for("run", Replied, 4, process)
    process.kill()
    process.communicate()
    unfinished = replay.json("--verify")
    assert (unfinished["turns"], unfinished["compared"], unfinished["same"]) == (3, 3, True)
    solve.json("--resume", "run")
    told = [event.messages for event in solve.events("run") if isinstance(event, Observed)]
    assert "[]" in told[5][0].text
    answer = replay.json("--verify")
    assert (answer["compared"], answer["same"]) == (9, True), answer["difference"]


def test_what_cannot_be_replayed_is_said(solve: Solve, replay: Replay) -> None:
    record(solve, "bubblewrap", *CONVERSATION)
    run = Store(solve.folder / "runs").open("run")
    shutil.copytree(next(run.attempts()).folder, next(run.attempts()).folder.parent / "1")
    unknown, late, several, one = replay.in_turn(
        ("none", "--verify"),
        ("run", "--sample", "0", "--until", "99"),
        ("run",),
        ("run", "--sample", "1", "--until", "1"),
    )
    assert unknown.returncode == 2
    assert (late.returncode, "from 1 to 7" in late.stderr) == (2, True)
    assert (several.returncode, "--instance and --sample" in several.stderr) == (2, True)
    assert one.returncode == 0, one.stderr
    git(solve.repository, "checkout", "-q", "--orphan", "other")
    shutil.rmtree(solve.repository / ".git")
    gone = replay("run", "--sample", "0")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert "cannot copy commit" in gone.stderr
