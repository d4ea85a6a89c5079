"""`solve` from end to end by the bundled model, which thinks for itself."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from cases import Solve

from cwm_agent.policies import bundled
from results.records import AttemptStarted, Ended, Replied, RunInfo
from results.store import Store

TASK = "nano:3"
LOCAL = ("--sandbox", "bubblewrap")


def sampled(solve: Solve, run: str) -> list[tuple[int, ...]]:
    """The ids of every reply."""
    return [event.reply.ids for event in solve.events(run) if isinstance(event, Replied)]


def info(solve: Solve, run: str) -> RunInfo:
    return Store(solve.folder / "runs").open(run).info()


First = Callable[[str], tuple[Solve, subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """The run `first` in a kind of sandbox, its folder and what it printed."""

    @cache  # remembers no error: a test that is tried again runs it again
    def solved(sandbox: str) -> tuple[Solve, subprocess.CompletedProcess[str]]:
        solve = Solve(tmp_path_factory.mktemp(sandbox))
        finished = solve(TASK, "--sandbox", sandbox, "--name", "first", "--json")
        assert finished.returncode == 0, finished.stderr
        return solve, finished

    return solved


def test_without_any_setting_the_bundled_model_solves_a_generated_task(
    first: First, sandbox: str
) -> None:
    solve, finished = first(sandbox)
    assert "bundled and tiny" in finished.stderr
    answer = json.loads(finished.stdout)
    assert (answer["resolved"], answer["exit_reason"]) == (True, "submitted")
    assert (answer["policy"], answer["sandbox"]) == ("embedded:nano", sandbox)
    assert answer["verdict"]["fail_to_pass"]
    assert answer["completion_tokens"] == sum(map(len, sampled(solve, "first")))
    assert all(sampled(solve, "first"))
    assert solve.orphans() == []
    settings = info(solve, "first").settings
    assert settings["prompt_pack"].origin == bundled.ORIGIN
    assert settings["runs"].origin == "default"
    # The patch applies to the repository that was written.
    job = json.loads((Path(answer["folder"]) / answer["instance"] / "0" / "job.json").read_text())
    root = job["checkout"]["root"]
    subprocess.run(
        ["git", "-C", root, "apply", "--check"], input=answer["patch"], text=True, check=True
    )


@pytest.fixture(scope="module")
def one_turn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Solve, list[dict[str, object]]]:
    """Runs of one turn, `short` and `other`, and their answers."""
    solve = Solve(tmp_path_factory.mktemp("one_turn"))
    copy = solve.folder / "renamed"
    copy.mkdir()
    for path in bundled.folder().iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
    one = (TASK, *LOCAL, "--set", "limits.turns=1", "--json")
    short = (*one, "--name", "short", "--set", "prompt_pack=nano")
    other = (*one, "--name", "other", "--model", "renamed", "--set", "limits.action_tokens=64")
    done = solve.in_turn([short, other])
    assert [answer.returncode for answer in done] == [6, 6], done
    return solve, [json.loads(answer.stdout) for answer in done]


def test_a_setting_of_the_user_wins_over_those_of_the_bundled_model(
    one_turn: tuple[Solve, list[dict[str, object]]],
) -> None:
    solve, (answer, _) = one_turn
    assert (answer["exit_reason"], answer["turns"]) == ("turn_limit", 1)
    settings = info(solve, "short").settings
    assert (settings["limits.turns"].value, settings["limits.turns"].origin) == (1, "--set")
    assert settings["sampling.temperature"].origin == bundled.ORIGIN


def test_another_model_keeps_the_usual_settings(
    one_turn: tuple[Solve, list[dict[str, object]]],
) -> None:
    solve, _ = one_turn
    assert info(solve, "other").settings["prompt_pack"].value == "default"


@pytest.mark.parametrize("turns", [(2,), pytest.param(None, marks=pytest.mark.slow)])
def test_killed_at_any_turn_the_model_goes_on_as_if_nothing_had_been(
    first: First, solve: Solve, turns: tuple[int, ...] | None
) -> None:
    undisturbed, finished = first("bubblewrap")
    whole, said = json.loads(finished.stdout), sampled(undisturbed, "first")
    for turn in turns or range(1, len(said)):
        run = f"killed-{turn}"
        process = solve.start(TASK, *LOCAL, "--name", run)
        solve.wait_for(run, Replied, turn, process)
        process.kill()
        process.communicate()
        before = len(sampled(solve, run))
        again = json.loads(solve("--resume", run, "--json").stdout)
        assert again["exit_reason"] == "submitted"
        assert sampled(solve, run)[:before] == said[:before]
        assert again["patch"] == whole["patch"]
    assert solve.orphans() == []


def test_ctrl_c_saves_the_turn_and_resuming_finishes(solve: Solve) -> None:
    process = solve.start(TASK, *LOCAL, "--name", "run")
    solve.wait_for("run", Replied, 1, process)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert isinstance(solve.events("run")[-1], Ended)
    answer = solve.json("--resume", "run")
    assert answer["resolved"] is True
    events = solve.events("run")
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2
