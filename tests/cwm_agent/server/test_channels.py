"""Answers divided into thought, text and calls, however they are cut into pieces."""

from __future__ import annotations

import json
import random

import pytest

from cwm_agent.server.chat.channels import Channels
from cwm_agent.server.chat.toolset import ToolSet
from cwm_agent.server.chat.turns import CallArguments, ToolDefinition, Whole
from tools.errors import CallError
from tools.parsing import parse_call

TOOLS = [
    ToolDefinition("bash", "", {"properties": {"command": {}}}),
    ToolDefinition(
        "str_replace", "", {"properties": dict.fromkeys(["path", "old_str", "new_str"])}
    ),
    ToolDefinition("Write", "", {"properties": {"file_path": {}, "content": {}}}),
    ToolDefinition("lookup", "", {"properties": {"word": {}}}),
]
PARTS = [
    "</think>", "\n</think>\n", "</thi", "nk>", "<tool: bash>\n", "<tool: edit>\n", "</tool>",
    "<tool: create>\n", "<tool: lookup>\n", "<tool: other>\n", "<tool:", " bash", ">", "\n", "  ",
    "ls -l", "\n</tool>", "</too", "l>", '{"word": "é"}', '{"word": ', "a.py\n", "STOP", "ST",
    "<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE", "<tool: edit>\na.py\n<<<<<<< SEARCH\n",
    "x\n=======\n", "\n=======", "===", ">>>>>>> REPLACE\n</tool>", "é",
    "🙂", '"', "\\", "\t", "<", "/",
]  # fmt: skip


def told(text: str, cuts: list[int], *, thinking: bool, stops: tuple[str, ...], whole: bool):
    channels, found = Channels(ToolSet(TOOLS), thinking=thinking, stops=stops), Whole()
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        for delta in channels.push(text[start:end]):
            found.take(delta)
    for delta in channels.finish(whole=whole):
        found.take(delta)
    return found, channels


def play(number: int) -> None:
    """One text told whole, and cut at random places."""
    draw = random.Random(number)
    text = "".join(draw.choices(PARTS, k=draw.randint(0, 14)))
    how = {
        "thinking": draw.random() < 0.7,
        "stops": ("STOP",) if draw.random() < 0.3 else (),
        "whole": draw.random() < 0.7,
    }
    one, channels = told(text, [], **how)
    cuts = sorted(draw.choices(range(len(text) + 1), k=draw.randint(0, 20)))
    many, _ = told(text, cuts, **how)
    assert (one.reasoning, one.text) == (many.reasoning, many.text), text
    assert [(c.name, c.arguments) for c in one.calls] == [
        (c.name, c.arguments) for c in many.calls
    ], text
    assert "</think>" not in one.reasoning
    if how["thinking"] and "</think>" not in text:  # it was cut inside the thought
        half = max(n for n in range(8) if text.endswith("</think>"[:n]))
        assert one.reasoning == text[: len(text) - half].strip(), text
        assert not one.text
    if channels.called:
        (call,) = one.calls
        assert isinstance(json.loads(call.arguments), dict), text


def test_what_is_told_does_not_depend_on_the_pieces() -> None:
    for number in range(3000):
        play(number)


@pytest.mark.slow
def test_what_is_told_does_not_depend_on_the_pieces_many_times() -> None:
    for number in range(3000, 103_000):
        play(number)


@pytest.mark.parametrize(
    ("body", "name", "arguments"),
    [
        ("<tool: bash>\nls\npwd\n</tool>", "bash", {"command": "ls\npwd"}),
        (
            "<tool: create>\na.py\nx = 1\n</tool>",
            "Write",
            {"file_path": "a.py", "content": "x = 1"},
        ),
        (
            "<tool: edit>\na.py\n<<<<<<< SEARCH\nx\n=======\ny\nz\n>>>>>>> REPLACE\n</tool>",
            "str_replace",
            {"path": "a.py", "old_str": "x", "new_str": "y\nz"},
        ),
        ('<tool: lookup>\n{"word": "a"}\n</tool>', "lookup", {"word": "a"}),
    ],
)
def test_calls_come_as_arguments_and_go_back_as_they_were(
    body: str, name: str, arguments: dict[str, str]
) -> None:
    found, channels = told(
        f"hm\n</think>\nLook:\n\n{body}", [], thinking=True, stops=(), whole=True
    )
    assert (found.reasoning, found.text) == ("hm", "Look:")
    (call,) = found.calls
    assert channels.called
    assert (call.name, json.loads(call.arguments)) == (name, arguments)
    assert ToolSet(TOOLS).call_text(call) == body


@pytest.mark.parametrize("number", range(200))
def test_a_call_is_what_the_agent_loop_reads(number: int) -> None:
    """Where the loop's own parser finds the one call of bash, so does a client."""
    draw = random.Random(number)
    body = "".join(draw.choices([*PARTS[10:18], "echo hi\n", "cat x"], k=4))
    text = f"t\n</think>\n<tool: bash>\n{body.replace('</too', '').replace('l>', '')}\n</tool>"
    found, _ = told(text, [5, 9], thinking=True, stops=(), whole=True)
    try:
        expected = parse_call(text, thinking=True, names=["bash"])
    except CallError:
        return
    assert json.loads(found.calls[0].arguments) == {"command": expected.body}


def test_the_arguments_of_an_edit_come_while_it_is_written() -> None:
    text = "<tool: edit>\na.py\n<<<<<<< SEARCH\nx = 1\n====\n=======\ny\n>>>>>>> REPLACE\n</tool>"
    channels, told = Channels(ToolSet(TOOLS), thinking=False), []
    for letter in text:
        told += [d.text for d in channels.push(letter) if isinstance(d, CallArguments)]
    assert told[0] == '{"path": "a.py", "old_str": "'
    assert "".join(told[1:-1]) == "x = 1\\n===="
    assert len(told) > 5
    assert told[-1] == '", "new_str": "y"}'


@pytest.mark.parametrize("rest", ["y\n=======\nz\n>>>>>>> REPLACE", "y", ">>>>>>> REPLACE\nz"])
def test_a_malformed_edit_is_a_call_that_nobody_can_carry_out(rest: str) -> None:
    text = f"<tool: edit>\na.py\n<<<<<<< SEARCH\nx\n=======\n{rest}\n</tool>"
    found, channels = told(text, [20, 40], thinking=False, stops=(), whole=True)
    assert json.loads(found.calls[0].arguments) == {"path": "a.py", "old_str": "x"}
    assert channels.unparsed


def test_a_call_that_says_nothing_is_text() -> None:
    text = "</think>\nSo:\n<tool: lookup>\nno json\n</tool>"
    found, channels = told(text, [], thinking=True, stops=(), whole=True)
    assert not found.calls
    assert found.text == "So:\n<tool: lookup>\nno json\n</tool>"
    assert channels.unparsed


def test_a_stop_text_counts_after_the_thought_only() -> None:
    found, channels = told(
        "STOP it\n</think>\nYes STOP no", [], thinking=True, stops=("STOP",), whole=True
    )
    assert (found.reasoning, found.text, channels.stopped) == ("STOP it", "Yes ", "STOP")
