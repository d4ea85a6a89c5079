"""What a watcher reads on standard error, turn by turn."""

from __future__ import annotations

import io

from notebook import STARTED

from cwm_agent.view.progress import WIDTH, ProgressDisplay
from results.records import (
    AttemptResult,
    Ended,
    Event,
    Message,
    Observed,
    Replied,
    Reply,
    Submitted,
    ToolRan,
    Verdict,
)

CALL = "thinking\n</think>\nI look.\nMore.\n<tool: bash>\nls -l\necho\n</tool>"


def watched(*events: Event) -> list[str]:
    stream = io.StringIO()
    progress = ProgressDisplay(stream)
    for event in events:
        progress.watch(event)
    progress.close()
    return stream.getvalue().splitlines()


def replied(text: str) -> Replied:
    return Replied(1, Reply(text, prompt_tokens=10, context_tokens=1244))


def observed(text: str) -> Observed:
    return Observed((Message("tool: bash", text),))


def test_a_step_says_what_ran_how_it_ended_what_it_cost_and_why() -> None:
    first, why = watched(
        STARTED,
        Observed((Message("user", "Begin."),)),
        replied(CALL),
        ToolRan(1, "bash", True, 2.04, ending="exited", exit_code=1),
        observed("x" * 20),
    )
    assert first.split() == ["✗", "1", "bash", "ls", "-l", "…", "exit", "1", "2.0", "s", "20", "B"]
    assert why == "     I look."


def test_endings_that_are_no_exit_code_are_named() -> None:
    lines = [
        watched(replied(CALL), ran, observed(""))[0]
        for ran in (
            ToolRan(1, "bash", False, 120.0, ending="timeout"),
            ToolRan(1, "bash", False, 0.0, ending="shell_ended", exit_code=3),
            ToolRan(1, "edit", False, 0.0),
        )
    ]
    assert ["  timeout  " in lines[0], "  exit 3  " in lines[1], "  tool failed  " in lines[2]] == [
        True
    ] * 3
    wrong = ToolRan(1, "", False, 0.0, error="unclosed: name='bash'")
    line, why = watched(replied("<tool: bash>\nls"), wrong, observed(""))
    assert line.startswith("✗  1 no call")
    assert why == "     unclosed: name='bash'"


def test_the_submission_and_the_final_answer_are_shown() -> None:
    lines = watched(
        replied("<tool: submit>\n/tmp/p\n</tool>"),
        ToolRan(1, "submit", True, 0.0),
        Submitted(1, "diff\n+a\n"),
        replied("Done.\nReally."),
        Ended("submitted"),
    )
    assert [line.split()[:3] for line in lines] == [
        ["1", "submit", "/tmp/p"], ["submitted", "a", "patch"], ["2", "says", "Done."],
    ]  # fmt: skip


def test_nothing_that_a_model_writes_reaches_the_terminal_as_a_command() -> None:
    call = (
        "\x1b]0;title\x07\n<tool: bash>\n\x1b[2Jls [bold]x[/bold] \u202e" + "y" * 100 + "\n</tool>"
    )
    lines = watched(replied(call), ToolRan(1, "bash", False, 0.0, error="\x1b[1A"), observed(""))
    assert not any(mark in line for line in lines for mark in "\x1b\x07\u202e")
    assert "[bold]x[/bold]" in lines[0]
    assert max(map(len, lines)) <= WIDTH


def test_the_verdict_counts_tests() -> None:
    stream = io.StringIO()
    verdict = Verdict(False, {"a": True, "b": False}, {"c": True}, "left out: x")
    result = AttemptResult(
        *("one", 0, "turn_limit", "", 3, 1.5, 10, 2000),
        *("replay:x", "docker", "improved", "default"),
        resolved=False,
        verdict=verdict,
        detail="why",
    )
    ProgressDisplay(stream).end(result)
    assert stream.getvalue().splitlines() == [
        "turn limit (why): 3 turns, 1.5 s, 2,000 tokens",
        "not resolved: 1 of 2 failing tests pass now, 1 of 1 others still pass",
        "  left out: x",
    ]
