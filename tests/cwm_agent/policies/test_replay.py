"""Recordings: what may be played, and what is said when it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebook import STARTED, Notebook

from cwm_agent.attempt.interrupt import Interrupt
from cwm_agent.attempt.rollout import rollout
from cwm_agent.errors import UsageError
from cwm_agent.policies.errors import PolicyError
from cwm_agent.policies.recording import load_recording
from cwm_agent.policies.replay import ReplayPolicy
from envs.environment import ReplyLimits
from results.journal import Journal
from results.records import Message

RECORDING = """\
description: looks around,
  then ends
replies:
  - |
    I look around.
    <tool: bash>
    ls
    </tool>
  - end
"""
LIMITS = ReplyLimits(max_tokens=100)


def written(folder: Path, text: str) -> Path:
    path = folder / "talk.yaml"
    path.write_text(text)
    return path


def test_a_yaml_recording_is_played_in_order_without_its_final_line_break(tmp_path: Path) -> None:
    recording = load_recording(written(tmp_path, RECORDING))
    assert recording.description == "looks around, then ends"
    policy = ReplayPolicy(recording)
    assert policy.name == "replay:talk"
    conversation = policy.open(seed=7)
    conversation.observe([Message("user", "x" * 400)])
    first = conversation.reply(LIMITS)
    assert first.text == "I look around.\n<tool: bash>\nls\n</tool>"
    assert (first.prompt_tokens, first.context_tokens) == (100, 110)
    assert conversation.reply(LIMITS).text == "end"


def test_an_exhausted_recording_says_how_many_replies_it_had(tmp_path: Path) -> None:
    conversation = ReplayPolicy(load_recording(written(tmp_path, "replies: [end]"))).open(seed=0)
    conversation.reply(LIMITS)
    with pytest.raises(PolicyError, match="ended after 1 replies"):
        conversation.reply(LIMITS)


def test_the_journal_of_an_earlier_run_is_a_recording(tmp_path: Path) -> None:
    attempt = tmp_path / "runs" / "first" / "notebook" / "0"
    attempt.mkdir(parents=True)
    source = ReplayPolicy(load_recording(written(tmp_path, "replies: [one, two, end]")))
    with Journal(attempt / "events.jsonl") as journal:
        rollout(
            source,
            Notebook(tmp_path / "page"),
            journal,
            started=STARTED,
            seed=0,
            interrupt=Interrupt(),
        )
    recording = load_recording(attempt / "events.jsonl")
    assert recording.replies == ("one", "two", "end")
    assert recording.name == "first/notebook/0"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is not a mapping"),
        ("- one", "is not a mapping"),
        ("replies: []", "has no replies"),
        ("replies: {a: b}", "has no replies"),
        ("replies: [one, 2]", "reply 2 .* is not a text"),
        ("replies: [one, ' ']", "reply 2 .* is not a text"),
        ("replys: [one]", r"unknown keys \['replys'\]"),
        ("replies: [", "cannot read the recording"),
    ],
)
def test_a_malformed_recording_is_refused_with_the_remedy(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as refused:
        load_recording(written(tmp_path, text))
    assert "a recording is a YAML file with a list `replies`" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recording at"):
        load_recording(tmp_path / "none.yaml")
