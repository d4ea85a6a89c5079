"""A sample goes on from a turn of another: nothing of what they share is said or done again."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from notebook import STARTED, Notebook, recording

from cwm_agent.attempt.branch import begin_branch, divergence, origin, own
from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.rollout import Trajectory, replies, rollout
from cwm_agent.policies import bundled
from cwm_agent.policies.embedded import EmbeddedPolicy
from cwm_agent.policies.policy import Policy
from cwm_agent.policies.replay import ReplayPolicy
from cwm_agent.prompts.packs import load
from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.environment import Environment
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import switches
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, SandboxLimits
from envs.task import IssueTask
from model.step.sampler import Sampling
from results.errors import JournalError
from results.records import (
    Branched,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    Snapshot,
    Submitted,
    ToolRan,
)
from results.store import Attempt

READ, LEFT, RIGHT = "", "left", "right"


def events(*trees: str, submits: bool = True) -> list[Event]:
    """A turn for each tree that the repository then had; the last one submits."""
    found: list[Event] = [Observed(())]
    known = ""
    for turn, tree in enumerate(trees, 1):
        found += [Replied(turn, Reply("")), ToolRan(turn, "bash", ok=True, seconds=0.0)]
        found += [Snapshot(turn, tree, "", "/")] if tree != known else []
        found += [Submitted(turn, "")] if submits and turn == len(trees) else []
        found += [Observed(())]
        known = tree
    return found


@pytest.mark.parametrize(
    ("one", "other", "turn"),
    [
        ((READ, READ, LEFT, LEFT), (READ, RIGHT, RIGHT), 2),
        ((LEFT, LEFT), (RIGHT, RIGHT), 0),
        ((READ, LEFT, RIGHT, RIGHT), (LEFT, LEFT), 2),
        ((READ, READ), (READ, READ), 1),
    ],
    ids=["reading is shared", "at once", "an edit is shared", "only the end"],
)
def test_candidates_part_where_one_is_in_a_state_that_the_other_never_was_in(
    one: Sequence[str], other: Sequence[str], turn: int
) -> None:
    assert divergence(events(*one), events(*other)) == turn


def test_a_turn_that_nobody_completed_is_no_place_to_branch_from(tmp_path: Path) -> None:
    parent = attempt(tmp_path, 0)
    play(ReplayPolicy(recording("one", "end")), Notebook(tmp_path / "page"), parent)
    with pytest.raises(JournalError, match="turn 2"):
        begin_branch(parent, attempt(tmp_path, 1), Branched(0, 2))


def attempt(folder: Path, sample: int) -> Attempt:
    place = folder / "issue" / str(sample)
    place.mkdir(parents=True, exist_ok=True)
    return Attempt(place, sample)


def play(policy: Policy, environment: Environment, stored: Attempt, seed: int = 0) -> Trajectory:
    started = replace(STARTED, sample=stored.sample)
    with closing(environment), stored.journal() as journal:
        return rollout(
            policy, environment, journal, started=started, seed=seed, interrupt=Interrupt()
        )


def branch_of(parent: Attempt, folder: Path, turn: int) -> Attempt:
    found = attempt(folder, parent.sample + 1)
    begin_branch(parent, found, Branched(parent.sample, turn))
    return found


OWNER = Owner("test", "branch", 0, os.getpid(), boot_id())
TOKEN = "head -c 8 /dev/urandom | od -An -tx1 > token.txt"


def issue(policy: Policy, turns: int = 8) -> IssueEnvironment:
    """An empty repository in a real sandbox."""
    return IssueEnvironment(
        IssueTask("numbers", "Write a number.", None, root="/testbed"),
        BubblewrapSandbox(limits=SandboxLimits(), owner=OWNER),
        ("bash", "submit"),
        load("default"),
        switches("improved", {}),
        Limits(turns=turns, action_tokens=32),
        policy.meter,
        time.monotonic,
        thinking=False,
    )


def test_shared_turns_are_not_run_again_in_the_sandbox_of_a_branch(tmp_path: Path) -> None:
    """The first turn writes what no second run of it would write."""
    said = (
        f"<tool: bash>\n{TOKEN}\n</tool>",
        "<tool: bash>\necho one > answer.txt\n</tool>",
        "<tool: submit>\n</tool>",
        "done",
    )
    first = ReplayPolicy(recording(*said))
    parent = attempt(tmp_path, 0)
    whole = play(first, issue(first), parent)
    branch = branch_of(parent, tmp_path, 1)
    second = ReplayPolicy(recording(said[0], said[1].replace("one", "two"), *said[2:]))
    again = play(second, issue(second), branch)
    secret = next(line for line in whole.patch.splitlines() if line.startswith("+ "))
    assert secret in again.patch
    assert "+two" in again.patch
    assert "+one" not in again.patch
    assert [event.turn for event in own(again.events) if isinstance(event, ToolRan)] == [2, 3]
    assert origin(again.events) == Branched(0, 1)
    assert (again.turns, len(replies(own(again.events)))) == (4, 3)
    assert again.completion_tokens < whole.completion_tokens


def test_the_engine_computes_nothing_of_shared_turns_again(tmp_path: Path) -> None:
    """By its counters: what a branch prefills is the notice, and a token that has no keys yet."""
    with closing(EmbeddedPolicy(bundled.folder(), device="cpu", sampling=Sampling(0.9))) as policy:
        parent = attempt(tmp_path, 0)
        play(policy, issue(policy, turns=3), parent, seed=1)
        branch = branch_of(parent, tmp_path, 2)
        before = policy.load().prefilled
        again = play(policy, issue(policy, turns=3), branch, seed=2)
        computed = policy.load().prefilled - before
        (first, *_) = replies(own(again.events))
        notice = next(e for e in own(again.events) if isinstance(e, Observed))
        later = [e for e in own(again.events) if isinstance(e, Observed)][1:]
        shared = first.prompt_tokens - len(notice.ids)
        assert isinstance(notice.messages[0], Message)
        assert shared > 400
        assert first.cached_tokens >= shared - 1
        # Each further message, and the token that each reply ended with.
        assert computed <= len(notice.ids) + sum(len(e.ids) + 1 for e in later) + 1
