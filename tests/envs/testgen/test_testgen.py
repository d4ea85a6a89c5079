"""Generated tests: what they say, what is refused, who can print their markers."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cwm_agent.prompts.packs import load
from envs.issue.budget import Limits
from envs.issue.modes import improved
from envs.task import IssueTask
from envs.testgen.environment import writing_environment
from envs.testgen.outcome import classify
from envs.testgen.source import refusal
from envs.testgen.stamp import new_stamp, stamped, unstamped
from results.records import Reply
from tools.registry import PUBLISHED_TOOLS

TEST = """\
from greet import greet
try:
    print("Issue resolved" if greet() == "hello" else "Other issues")
except NameError:
    print("Issue reproduced")
"""


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Issue reproduced\n", "reproduced"),
        ("warning\nIssue reproduced\nIssue reproduced\n", "reproduced"),
        ("Issue resolved", "resolved"),
        ("Issue resolved\nIssue reproduced", "other"),
        ("Issue resolved\nOther issues", "other"),
        ("Other issues", "other"),
        ("issue resolved", "other"),
        ("", "other"),
    ],
)
def test_one_marker_alone_counts(output: str, said: str) -> None:
    assert classify(output) == said


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (TEST, ""),
        (" \n", "empty"),
        ('print("Issue resolved")', "'Issue reproduced'"),
        ("print(1)", "'Issue reproduced' nor 'Issue resolved'"),
        (TEST + "def (:", "not valid Python"),
        (TEST + "#" * 2**20, "1 MiB"),
    ],
)
def test_what_is_no_test_is_refused_with_the_reason(source: str, why: str) -> None:
    assert why in refusal(source)
    assert bool(why) == bool(refusal(source))


def test_only_the_test_itself_can_print_its_markers() -> None:
    stamp = new_stamp()
    assert f"Issue resolved {stamp}" in stamped(TEST, stamp)
    printed = f"Issue resolved\nIssue reproduced {stamp}\n"
    assert classify(unstamped(printed, stamp)) == "reproduced"
    assert classify(unstamped("Issue resolved\n", stamp)) == "other"


class Meter:
    """A token is a character."""

    def count(self, text: str) -> int:
        return len(text)

    def head(self, text: str, tokens: int) -> str:
        return text[:tokens]

    def tail(self, text: str, tokens: int) -> str:
        return text[-tokens:]


@pytest.fixture
def episode(sandbox: Any, upstream: Any) -> Any:
    root = str(sandbox.folder / "testbed")
    task = IssueTask("greet-1", "greet() raises NameError", upstream.root, root=root)
    environment = writing_environment(
        task,
        sandbox,
        PUBLISHED_TOOLS,
        load("default"),
        improved(),
        Limits(context_tokens=200_000),
        Meter(),
        thinking=False,
    )
    assert time.monotonic() > 0
    return environment


def say(environment: Any, tool: str, body: str) -> str:
    step = environment.step(Reply(f"<tool: {tool}>\n{body}\n</tool>"))
    return str(step.messages[0].text)


def test_an_episode_ends_with_the_test_that_was_handed_in(episode: Any) -> None:
    _, task = episode.start()
    assert "greet() raises NameError" in task.text
    assert "Issue reproduced" in task.text
    say(episode, "create", f"test_issue.py\n{TEST}")
    assert "<submission>" in say(episode, "submit", "test_issue.py")
    assert episode.step(Reply("It checks the greeting.")).exit == "submitted"
    assert episode.patch().rstrip() == TEST.rstrip()


def test_what_is_no_test_is_not_accepted_and_a_changed_tree_is_none(episode: Any) -> None:
    episode.start()
    say(episode, "bash", "echo '# changed' >> greet.py; git diff > fix.patch")
    assert "never prints" in say(episode, "submit", "fix.patch")
    assert episode.step(Reply("done")).exit is None
    assert episode.patch() == ""
