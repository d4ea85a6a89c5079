"""The expert's conversations: what memory answers is what a real sandbox answers."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cwm_agent.generated.repository import issue_task, write_repository
from cwm_agent.generated.task import NanoTask, draw_task
from cwm_agent.nano.expert import Odds, converse
from cwm_agent.nano.gitdiff import git_diff
from cwm_agent.nano.stage import Turn
from cwm_agent.policies.estimate import EstimatingMeter
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import improved
from envs.repository.releases import make_repository
from envs.sandbox.sandbox import Sandbox
from results.records import Reply
from tools.registry import PUBLISHED_TOOLS
from tools.texts import Texts

MakeSandbox = Callable[[], Sandbox]
EVENTFUL = Odds(
    reproduce=0.5,
    malformed=0.2,
    empty_search=0.5,
    failed_edit=0.5,
    mistake=0.6,
    write_test=0.5,
    replaced=0.0,
    replaced_after_edit=0.0,
)


def observations(turns: tuple[Turn, ...]) -> list[str]:
    return [turn.text for turn in turns if turn.role != "assistant"]


def test_a_conversation_ends_with_the_right_files_handed_in(texts: Texts) -> None:
    for seed in range(30):
        task = draw_task(str(seed), "train")
        found = converse(task, random.Random(seed), texts, EVENTFUL)
        diff = git_diff(task.files, task.right_files)
        changes = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in MARKS]
        assert all(line in found.turns[-2].text.splitlines() for line in changes)


def test_mistakes_are_shown_but_not_learnt(texts: Texts) -> None:
    found = [
        turn
        for seed in range(30)
        for turn in converse(
            draw_task(str(seed), "train"), random.Random(seed), texts, EVENTFUL
        ).turns
    ]
    mistakes = [turn for turn in found if not turn.learnt]
    assert mistakes
    assert all(turn.role == "assistant" for turn in mistakes)


def test_a_refused_edit_is_not_learnt_and_no_edit_comes_twice(texts: Texts) -> None:
    refused, interrupted = 0, 0
    odds = replace(EVENTFUL, replaced_after_edit=0.3)
    for seed in range(30):
        task = draw_task(str(seed), "train")
        turns = converse(task, random.Random(seed), texts, odds).turns
        calls = []
        for reply, told, then in zip(turns, turns[1:], turns[2:], strict=False):
            if reply.role == "assistant" and "<tool: edit>" in reply.text:
                calls.append(reply.text.partition("</think>")[2])
                interrupted += "container was replaced" in then.text
                if "Unchanged:" in told.text:
                    refused += 1
                    assert not reply.learnt
        assert len(set(calls)) == len(calls)
    assert refused > 0
    assert interrupted > 0


CONVERSATIONS = [
    seed if seed in {2, 4, 10} else pytest.param(seed, marks=pytest.mark.slow) for seed in range(12)
]
"""The three that are not slow have each kind of mistake and each tool."""


@pytest.mark.parametrize("seed", CONVERSATIONS)
def test_every_observation_is_that_of_a_real_sandbox(
    seed: int, texts: Texts, tmp_path: Path, make_sandbox: MakeSandbox
) -> None:
    task = draw_task(f"real/{seed}", "train")
    played = converse(task, random.Random(seed), texts, EVENTFUL).turns
    replies = [turn.text for turn in played if turn.role == "assistant"]
    real = real_observations(task, replies, texts, tmp_path, make_sandbox())
    assert real == observations(played)


def real_observations(
    task: NanoTask, replies: list[str], texts: Texts, folder: Path, sandbox: Sandbox
) -> list[str]:
    """What the real environment says to the same replies."""
    repository = write_repository(task, folder / "repository")
    meter = EstimatingMeter()
    environment = IssueEnvironment(
        issue_task(task, repository),
        sandbox,
        PUBLISHED_TOOLS,
        texts,
        improved(),
        Limits(),
        meter,
        zero,
    )
    try:
        found = [message.text for message in environment.start()]
        for reply in replies:
            found += [message.text for message in environment.step(Reply(reply)).messages]
    finally:
        environment.close()
    return found


def zero() -> float:
    return 0.0


MARKS = ("+++", "---")
LINES = st.lists(
    st.sampled_from(["def a():", "    x = 1", "    return x", "", "b = 2"]), max_size=30
)


@settings(max_examples=25)
@given(old=LINES, at=st.integers(0, 29), new=st.sampled_from(["    y = 3", "c = 4"]))
def test_the_diff_of_one_changed_line_is_gits(
    old: list[str], at: int, new: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [*old, "end = 0"]
    changed = list(lines)
    changed[at % len(lines)] = new
    before, after = ("".join(f"{line}\n" for line in side) for side in (lines, changed))
    folder = tmp_path_factory.mktemp("repository")
    (folder / "a.py").write_text(before)
    make_repository(folder, "start")
    (folder / "a.py").write_text(after)
    real = subprocess.run(
        ["git", "-C", str(folder), "diff"], capture_output=True, text=True, check=True
    ).stdout
    assert git_diff({"a.py": before}, {"a.py": after}) == real
