"""One issue to a judged patch, through the real command line and real sandboxes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from cases import (
    CHECK,
    CONVERSATION,
    EDIT,
    FIXED,
    HIDDEN_TEST,
    LOOK,
    PYTEST,
    ROOT,
    Solve,
    fingerprint,
    git,
    write_recording,
    write_tests,
)

from results.records import Replied, ToolRan

LOCAL = ("--sandbox", "bubblewrap", "--repo", "repository")


def recorded(solve: Solve, *replies: str) -> tuple[str, str]:
    return "--replay", str(write_recording(solve.folder / "talk.yaml", *replies))


def test_a_conversation_that_fixes_the_bug_is_resolved(solve: Solve, sandbox: str) -> None:
    before = fingerprint(solve.repository)
    answer = solve.json(
        *("add subtracts", "--repo", "repository", "--sandbox", sandbox, "--name", "first"),
        *recorded(solve, *CONVERSATION),
        *PYTEST,
        *("--tests", write_tests(solve.folder)),
    )
    assert answer["resolved"] is True
    assert (answer["exit_reason"], answer["turns"], answer["run"]) == ("submitted", 7, "first")
    assert (answer["sandbox"], answer["policy"]) == (sandbox, "replay:talk")
    assert answer["patch"].count("\n+") == 2  # the header's +++ and one line
    assert answer["verdict"]["fail_to_pass"] == {"test_calc.py::test_sum": True}
    assert answer["verdict"]["pass_to_pass"] == {"test_calc.py::test_zero": True}
    assert fingerprint(solve.repository) == before
    assert solve.orphans() == []
    run = solve.folder / "runs" / "first"
    assert json.loads((run / "issue" / "0" / "result.json").read_text())["resolved"] is True
    assert json.loads((run / "preds.jsonl").read_text())["model_patch"] == answer["patch"]
    ran = [event for event in solve.events("first") if isinstance(event, ToolRan)]
    assert [event.exit_code for event in ran if event.tool == "bash"] == [0, 1, 0, 0]


def test_a_wrong_patch_is_not_resolved_and_not_applied(solve: Solve) -> None:
    wrong = EDIT.replace("a + b", "a * b")
    before = fingerprint(solve.repository)
    finished = solve(
        *("add subtracts", *LOCAL, *PYTEST, "--apply", "--tests", write_tests(solve.folder)),
        *recorded(solve, LOOK, wrong, *CONVERSATION[-3:]),
    )
    assert finished.returncode == 3
    assert (
        "not resolved: 0 of 1 failing tests pass now, 1 of 1 others still pass" in finished.stderr
    )
    assert "not applied: the tests say" in finished.stderr
    assert fingerprint(solve.repository) == before


def test_stdout_is_a_patch_that_git_applies(solve: Solve) -> None:
    (solve.folder / "issue.md").write_text("# add subtracts\n\nIt should add.\n")
    finished = solve("issue.md", *LOCAL, *recorded(solve, *CONVERSATION))
    assert finished.returncode == 0, finished.stderr
    subprocess.run(
        ["git", "apply"], input=finished.stdout, text=True, cwd=solve.repository, check=True
    )
    assert (solve.repository / "calc.py").read_text() == FIXED
    assert "  2 bash " in finished.stderr
    assert "exit 1" in finished.stderr
    assert "not judged: no tests were given" in finished.stderr
    assert "no model runs" in finished.stderr


def test_apply_changes_the_checkout_and_a_command_can_judge(solve: Solve) -> None:
    (solve.repository / "test_calc.py").write_text(HIDDEN_TEST)
    git(solve.repository, "commit", "--quiet", "-am", "a failing test")
    finished = solve(
        *("-", *LOCAL, *PYTEST, "--apply", "--test", "python -m pytest -rA", "--json"),
        *recorded(solve, *CONVERSATION),
        input="add subtracts\n",
    )
    answer = json.loads(finished.stdout)
    assert answer["verdict"]["fail_to_pass"] == {"test_calc.py::test_sum": True}
    assert answer["applied"] == ["calc.py"]
    assert (solve.repository / "calc.py").read_text() == FIXED
    assert git(solve.repository, "status", "--porcelain") == "M calc.py"


@pytest.mark.parametrize("report", ["exit-code", "junit:out/*.xml"])
def test_other_reports_judge_too_and_their_output_is_shown(solve: Solve, report: str) -> None:
    (solve.repository / "check.sh").write_text(
        "mkdir -p out; grep -c 'a + b' calc.py && verdict=passed || verdict=failure\n"
        "echo \"<testsuite><testcase name='adds'><$verdict/></testcase></testsuite>\" > out/a.xml\n"
        "[ $verdict = passed ]\n"
    )
    git(solve.repository, "add", ".")
    git(solve.repository, "commit", "--quiet", "-m", "a check")
    judged = ("--test", "bash check.sh", "--test-report", report, "--name", "judged")
    answer = solve.json("add subtracts", *LOCAL, *judged, *recorded(solve, *CONVERSATION))
    assert answer["resolved"] is True
    test = "exit code" if report == "exit-code" else "adds"
    assert answer["verdict"]["fail_to_pass"] == {test: True}
    attempt = solve.folder / "runs" / "judged" / "issue" / "0"
    assert (attempt / "tests-before.log").read_text() == "0\n"
    assert (attempt / "tests-after.log").read_text() == "1\n"
    command = [sys.executable, "-m", "cwm_agent", "view", "judged"]
    shown = subprocess.run(command, cwd=solve.folder, check=True, capture_output=True, text=True)
    assert "[tests]\n│ 1\n" in re.sub(" +\n", "\n", shown.stdout)
    assert "tests-after.log" in shown.stdout


def test_a_command_that_failed_nowhere_cannot_say_that_the_issue_is_solved(solve: Solve) -> None:
    judged = ("--test", "python -m pytest -rA")
    arguments = ("add subtracts", *LOCAL, *PYTEST, *judged, *recorded(solve, *CONVERSATION))
    finished = solve(*arguments, "--json")
    assert finished.returncode == 0
    answer = json.loads(finished.stdout)
    assert (answer["resolved"], answer["verdict"]["fail_to_pass"]) == (None, {})
    assert answer["verdict"]["pass_to_pass"] == {"test_calc.py::test_zero": True}
    assert "undecided: 0 of 0 failing tests pass now, 1 of 1 others still pass" in finished.stderr
    assert "no test failed before the patch" in finished.stderr


def test_uncommitted_changes_are_the_start_with_dirty(solve: Solve) -> None:
    (solve.repository / "calc.py").write_text(
        "# mine\n" + (solve.repository / "calc.py").read_text()
    )
    answer = solve.json(
        "add subtracts", *LOCAL, "--dirty", "--apply", *recorded(solve, *CONVERSATION)
    )
    assert "# mine" not in "".join(
        line for line in answer["patch"].splitlines() if line.startswith("+")
    )
    assert (solve.repository / "calc.py").read_text() == f"# mine\n{FIXED}"


def test_a_limit_keeps_the_working_tree_as_patch(solve: Solve) -> None:
    answer = solve.json(
        *("add subtracts", *LOCAL, "--set", "limits.turns=2"),
        *recorded(solve, EDIT, CHECK, *CONVERSATION),
        code=6,
    )
    assert answer["exit_reason"] == "turn_limit"
    assert "+    return a + b" in answer["patch"]


def test_secrets_and_control_sequences_stay_where_they_are(solve: Solve) -> None:
    noisy = "\x1b]0;owned\x07 look\n<tool: bash>\nprintf '\\033[2J'; cat .env; env\n</tool>"
    finished = solve(
        *("\x1b[31mred\x1b[0m \x1b]52;c;AAAA\x07", *LOCAL, "--name", "noisy"),
        *recorded(solve, noisy, *CONVERSATION),
    )
    assert finished.returncode == 0
    assert "\x1b" not in finished.stderr
    assert "\x07" not in finished.stderr
    told = next(solve.folder.glob("runs/noisy/*/0/events.jsonl")).read_text()
    assert "No such file" in told  # what `cat .env` said
    assert "TOKEN=secret" not in told
    assert str(solve.folder / "config") not in told  # in the environment of the harness


def test_a_person_can_be_the_model(solve: Solve) -> None:
    typed = f"{EDIT}\n.\n<tool: submit>\n\n</tool>\n.\ndone\n.\n"
    finished = solve("add subtracts", *LOCAL, "--human", "--json", input=typed)
    answer = json.loads(finished.stdout)
    assert (answer["exit_reason"], answer["policy"]) == ("submitted", "human")
    assert "+    return a + b" in answer["patch"]
    assert "You are the model." in finished.stderr
    assert "--- tool: edit" in finished.stderr


def test_an_untrained_model_babbles_until_its_limit(
    solve: Solve, make_checkpoint: Callable[..., Path]
) -> None:
    checkpoint = make_checkpoint("tiny", max_position_embeddings=8192)
    answer = solve.json(
        *("add subtracts", *LOCAL, "--name", "babble", "--model", checkpoint),
        *("--set", "limits.turns=3", "--set", "limits.action_tokens=8", "--set", "device=cpu"),
        code=6,
    )
    assert (answer["exit_reason"], answer["turns"], answer["patch"]) == ("turn_limit", 3, "")
    assert answer["policy"] == "embedded:tiny"
    said = [event.reply for event in solve.events("babble") if isinstance(event, Replied)]
    assert sum(len(reply.ids) for reply in said) == answer["completion_tokens"]
    assert all(reply.ids for reply in said)
    again = solve.json(
        *("add subtracts", *LOCAL, "--name", "again", "--model", checkpoint),
        *("--set", "limits.turns=3", "--set", "limits.action_tokens=8", "--set", "device=cpu"),
        *("--set", "switches.malformed_in_row=2"),
        code=3,
    )
    assert again["exit_reason"] == "format_errors"
    repeated = [event.reply for event in solve.events("again") if isinstance(event, Replied)]
    assert [reply.ids for reply in repeated] == [reply.ids for reply in said[:2]]


HEAVY = {"torch", "transformers", "datasets", "docker", "ray", "textual"}


@pytest.mark.parametrize(
    ("begin", "heavy"),
    [
        ("from cwm_agent.cli.main import run\nrun(['solve', '--help'])", HEAVY | {"rich"}),
        ("import cwm_agent.commands.solve, cwm_agent.commands.run", HEAVY | {"numpy"}),
    ],
    ids=["help", "commands"],
)
def test_a_start_loads_nothing_heavy(begin: str, heavy: set[str]) -> None:
    script = f"import sys\n{begin}\nprint(*sys.modules, file=sys.stderr)"
    finished = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ("--resume" in finished.stdout) == ("--help" in begin)
    assert heavy & set(finished.stderr.split()) == set()


@pytest.mark.docker
def test_an_image_may_hold_the_repository(solve: Solve) -> None:
    from envs.images.recipes import base_image

    client = docker.from_env()
    (solve.folder / "Dockerfile").write_text(
        f"FROM {base_image(client)}\nCOPY repository /testbed\n"
    )
    tag = "cwm-agent/test-repository:1"
    client.images.build(path=str(solve.folder), tag=tag, rm=True)
    try:
        conversation = [reply.replace("python -c", "python3 -c") for reply in CONVERSATION]
        answer = solve.json("add subtracts", "--image", tag, *recorded(solve, *conversation))
    finally:
        client.images.remove(tag, force=True)
        client.close()
    assert answer["sandbox"] == "docker"
    assert "+    return a + b" in answer["patch"]
