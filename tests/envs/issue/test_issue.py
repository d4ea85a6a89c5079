"""Solving an issue, turn by turn, with real tools on a real repository."""

from __future__ import annotations

import dataclasses
import subprocess
import time
from pathlib import Path
from typing import Any

from cwm_agent.prompts.packs import load
from envs.environment import Step
from envs.issue.budget import Limits
from envs.issue.issue import IssueEnvironment
from envs.issue.modes import faithful, improved
from envs.task import IssueTask
from results.records import Snapshot, Submitted, ToolRan
from tools.registry import PUBLISHED_TOOLS


def test_an_issue_is_solved_and_submitted(game: Any, tmp_path: Path, upstream: Any) -> None:
    play = game()
    system, user = play.start()
    assert system.role == "system"
    assert "# Environment" in system.text
    assert "greet() raises NameError" in user.text
    step = play.solve()
    assert step.messages[0].role == "tool: submit"
    assert "<submission>\ndiff --git a/greet.py" in step.messages[0].text
    end = play.say("## Issue Summary\nDone.")
    assert end.exit == "submitted"
    (tmp_path / "x.patch").write_text(play.environment.patch())
    subprocess.run(["git", "apply", "../x.patch"], cwd=upstream.root, check=True)
    assert "+ name\n" in (upstream.root / "greet.py").read_text()


def test_every_result_ends_with_the_budget(game: Any) -> None:
    play = game(turns=5)
    play.start()
    text = play.call("bash", "echo hi").messages[0].text
    assert text.startswith("<output>\nhi\n\n</output>\n\n<budget>\n* Remaining turns: 4\n")
    assert "* Remaining tokens: " in text


def test_a_turn_that_changes_files_leaves_a_snapshot(game: Any) -> None:
    play = game()
    play.start()
    assert not any(isinstance(e, Snapshot) for e in play.call("bash", "ls").events)
    step = play.call("create", "new.py\nx = 1\n")
    snapshot = next(e for e in step.events if isinstance(e, Snapshot))
    assert "+x = 1" in snapshot.diff
    ran = next(e for e in step.events if isinstance(e, ToolRan))
    assert (ran.tool, ran.ok) == ("create", True)


def test_a_flood_of_files_is_no_failure_of_the_sandbox_and_costs_no_earlier_work(
    game: Any,
) -> None:
    play = game()
    play.start()
    play.fix()
    flood = play.call("bash", "for i in 1 2 3; do head -c 8000000 /dev/urandom > $i.bin; done")
    assert (flood.exit, [type(event) for event in flood.events]) == (None, [ToolRan])
    refused = play.say("<tool: submit>\n</tool>")
    assert (
        "Not submitted: the working tree is missing or cannot be read" in refused.messages[0].text
    )
    assert "+    return 'Hello ' + name" in play.environment.patch()
    assert "bin" not in play.environment.patch()
    cleaned = play.call("bash", "rm *.bin; echo '# end' >> greet.py")
    assert "+# end" in next(e for e in cleaned.events if isinstance(e, Snapshot)).diff


def test_a_limit_keeps_the_work_in_improved_mode_only(game: Any) -> None:
    for switches, wanted in ((improved(), "+    return 'Hello ' + name"), (faithful(), "")):
        play = game(switches, turns=2)
        play.start()
        play.fix()
        end = play.call("bash", "ls")
        assert end.exit == "turn_limit"
        assert wanted in play.environment.patch()
        assert bool(play.environment.patch()) == bool(wanted)
        play.start_over()


def test_the_last_turn_acts_in_improved_mode_only(game: Any) -> None:
    play = game(turns=1)
    play.start()
    step = play.call("bash", "echo acted")
    assert "acted" in step.messages[0].text
    assert step.exit == "turn_limit"
    play.start_over()
    play = game(faithful(), turns=1)
    play.start()
    step = play.call("bash", "echo acted")
    assert step == Step((), exit="turn_limit")


def test_a_submission_survives_a_limit_in_improved_mode_only(game: Any) -> None:
    for switches, kept in ((improved(), True), (faithful(), False)):
        play = game(switches, turns=4)
        play.start()
        play.solve()
        assert play.say("No call").exit == ("submitted" if kept else "turn_limit")
        assert bool(play.environment.patch()) == kept
        play.start_over()


def test_an_empty_submit_hands_in_the_working_tree(game: Any) -> None:
    play = game()
    play.start()
    play.fix()
    step = play.say("<tool: submit>\n</tool>")
    submitted = next(e for e in step.events if isinstance(e, Submitted))
    assert "+    return 'Hello ' + name" in submitted.patch


def test_format_errors_come_back_from_the_user_without_budget(game: Any) -> None:
    play = game()
    play.start()
    step = play.say("I am done.")
    assert step.messages[0].role == "user"
    assert step.messages[0].text.startswith("FormatError: ")
    assert "<budget>" not in step.messages[0].text
    missing = play.say("ls", thought="no end of thinking")
    assert "</think>" in missing.messages[0].text
    unknown = play.call("browse", "x")
    assert unknown.messages[0].text.startswith("NoSuchToolError: ")


def test_too_many_format_errors_in_a_row_end_the_episode(game: Any) -> None:
    play = game(dataclasses.replace(improved(), malformed_in_row=3))
    play.start()
    play.say("one")
    play.say("two")
    play.call("bash", "ls")
    assert [play.say("again").exit for _ in range(3)] == [None, None, "format_errors"]


def test_a_malformed_call_after_a_submission_ends_only_the_faithful_episode(game: Any) -> None:
    for switches, end in ((improved(), None), (faithful(), "submitted")):
        play = game(switches)
        play.start()
        play.solve()
        assert play.say("<tool: bash>\nls").exit == end
        play.start_over()


def test_a_reply_cut_by_the_token_limit_is_told_so(game: Any) -> None:
    play = game()
    play.start()
    assert "token limit" in play.say("<tool: bash>\nls", finish="length").messages[0].text


def test_long_output_keeps_both_ends_and_the_budget(game: Any) -> None:
    play = game(tool_turn_tokens=2000)
    play.start()
    text = play.call("bash", "echo first; seq 5000; echo last").messages[0].text
    assert len(text) + len("tool: bash") + 4 <= 2000
    assert text.startswith("<output>\nfirst\n")
    assert "\nlast\n\n</output>" in text
    assert text.endswith("</budget>")
    assert "left out here" in text


def test_long_output_loses_the_budget_in_faithful_mode(game: Any) -> None:
    play = game(faithful(), tool_turn_tokens=2000)
    play.start()
    text = play.call("bash", "echo first; seq 5000; echo last").messages[0].text
    assert len(text) + len("tool: bash") + 4 <= 2000
    assert text.endswith("[...]")
    assert "</budget>" not in text


def test_a_long_issue_keeps_the_instructions(game: Any, sandbox: Any, upstream: Any) -> None:
    for switches, preamble in ((improved(), True), (faithful(), False)):
        switches = dataclasses.replace(switches, published_session=False)  # has no lasting shell
        task = IssueTask("x", "word " * 5000, upstream.root, root=str(sandbox.folder / "testbed"))
        environment = IssueEnvironment(
            task,
            sandbox,
            PUBLISHED_TOOLS,
            load("default"),
            switches,
            Limits(),
            game.meter,
            time.monotonic,
        )
        _, user = environment.start()
        assert len(user.text) + len("user") + 4 <= 8192
        assert user.text.startswith("Resolve this issue") == preamble
        assert user.text.startswith("[...]") != preamble
        assert user.text.endswith("your shell has started in that directory.")
        sandbox.close()
        sandbox.open()


def test_a_timeout_keeps_partial_output_in_improved_mode_only(game: Any) -> None:
    for switches, partial in ((improved(), True), (faithful(), False)):
        play = game(switches, command_seconds=1.0)
        play.start()
        play.call("bash", "mkdir deep; cd deep")
        text = play.call("bash", "echo partial; sleep 20").messages[0].text
        assert ("partial\n" in text) == partial
        where = play.call("bash", "pwd").messages[0].text.splitlines()[1]
        assert where.endswith("/deep") == partial
        play.start_over()


def test_time_and_tokens_are_limits_too(game: Any) -> None:
    play = game(total_seconds=100.0)
    play.start()
    play.clock.now = 101.0
    assert play.call("bash", "ls").exit == "time_limit"
    play.start_over()
    play = game(context_tokens=50_000)
    play.start()
    assert play.environment.limits().max_tokens < 50_000
    assert play.say("ls", context_tokens=50_001).exit == "token_limit"


def test_a_reply_that_the_context_cuts_acts_in_improved_mode_only(game: Any) -> None:
    call = "<tool: bash>\necho acted\n</tool>"
    for switches, end in ((improved(), None), (faithful(), "token_limit")):
        play = game(switches, context_tokens=60_000)
        play.start()
        assert play.environment.limits().max_tokens < 65_536  # the context is the nearer limit
        assert play.environment.limits().show_control_tokens == (end is not None)
        assert play.say(call, finish="length").exit == end
        play.start_over()
    play = game(faithful(), context_tokens=200_000)
    play.start()
    step = play.say(call, finish="length")  # cut by the limit of one reply: it acts in both
    assert "acted" in step.messages[0].text


def test_a_lost_sandbox_ends_the_episode_with_the_work_so_far(game: Any, sandbox: Any) -> None:
    play = game()
    play.start()
    play.fix()
    sandbox.break_down()
    end = play.call("bash", "ls")
    assert end.exit == "sandbox_error"
    assert "+    return 'Hello ' + name" in play.environment.patch()


def test_an_interrupted_attempt_goes_on_in_a_fresh_sandbox(
    game: Any, sandbox: Any, tmp_path: Path
) -> None:
    play = game(turns=9)
    play.start()
    play.call("bash", "mkdir sub && cd sub && printf 'a\\0b' > data.bin && export X=1")
    play.call("bash", "cd . && sed -i s/nam$/name/ ../greet.py")
    play.say("oops")
    sandbox.break_down()
    sandbox.open()
    again = game(turns=9)
    (notice,) = again.environment.restore(tuple(play.events))
    assert notice.role == "user"
    step = again.call("bash", "pwd; od -c data.bin; cat ../greet.py; git status --short")
    assert "testbed/sub\n" in step.messages[0].text
    assert "a  \\0   b" in step.messages[0].text
    assert "+ name\n" in step.messages[0].text
    assert "Remaining turns: 5" in step.messages[0].text
    assert "GIT binary patch" in again.environment.patch()


def test_a_submission_that_hangs_costs_the_published_shell(game: Any) -> None:
    play = game(faithful(), command_seconds=1.0)
    play.start()
    play.call("bash", "mkfifo pipe; mkdir deep; cd deep")
    refused = play.call("submit", "../pipe")
    assert "missing or cannot be read" in refused.messages[0].text
    ran = next(e for e in refused.events if isinstance(e, ToolRan))
    assert (ran.ok, ran.ending) == (False, "timeout")
    assert play.sandbox.cwd == play.sandbox.folder.as_posix() + "/testbed"
