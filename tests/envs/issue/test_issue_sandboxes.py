"""The issue environment in the sandboxes that users have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError
from envs.images.recipes import base_image
from envs.issue.modes import faithful
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from results.records import Ended

OWNER = Owner("test", "greet-1", 0, os.getpid(), boot_id())


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def fresh(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox that a test may close and open as it likes."""
    if request.param == "bubblewrap":
        sandbox: Sandbox = BubblewrapSandbox(limits=SandboxLimits(), owner=OWNER)
    else:
        try:
            client = connect_engine()
        except SandboxError as error:
            pytest.skip(str(error))
        sandbox = DockerSandbox(base_image(client), limits=SandboxLimits(), owner=OWNER)
    with sandbox:
        yield sandbox


def seen(step: Any) -> str:
    """The feedback in a result."""
    text: str = step.messages[0].text
    return text.removeprefix("<output>\n").partition("\n</output>")[0]


def test_a_shell_that_lasts_and_a_patch_that_counts(fresh: Sandbox, games_in: Any) -> None:
    play = games_in(fresh)(command_seconds=2.0)
    play.start()
    assert seen(play.call("bash", "pwd; git log --format=%s; git status --short")) == (
        "/testbed\nStart\n"
    )
    play.call("bash", "mkdir -p 'a b' && cd 'a b' && export X=7")
    play.call("create", "note.md\n<tool: bash> is a tag\n")
    assert seen(play.call("bash", "echo $X; cat note.md")) == "7\n<tool: bash> is a tag\n"
    slow = seen(play.call("bash", "echo begun; sleep 60"))
    assert slow.startswith("begun\n")
    assert "The command was stopped after 2 seconds" in slow
    assert slow.endswith("stands in /testbed/a b.")
    ended = seen(play.call("bash", "echo bye; exit 3"))
    assert ended.startswith("bye\nThe command ended the shell (exit code 3). A new shell")
    told = ended.rpartition(" in ")[2].removesuffix(".")
    assert seen(play.call("bash", 'pwd; echo "[$X]"')) == f"{told}\n[]\n"
    play.call("bash", "cd /testbed")
    step = play.solve()
    assert "+    return 'Hello ' + name" in seen(step)
    assert play.say("## Done").exit == "submitted"
    assert play.environment.patch().startswith("diff --git a/greet.py b/greet.py")


def test_the_published_shell_starts_fresh_after_a_failure(fresh: Sandbox, games_in: Any) -> None:
    play = games_in(fresh)(faithful(), command_seconds=2.0)
    play.start()
    play.call("bash", "mkdir deep; cd deep; export X=7")
    text = seen(play.call("bash", "echo begun; sleep 60"))
    assert "begun" not in text
    assert seen(play.call("bash", 'pwd; echo "[$X]"')) == "/testbed\n[]\n"
    text = seen(play.call("bash", "head -c 600000 /dev/zero | tr '\\0' x"))
    assert "printed too much" in text


def test_the_published_session_is_lived_in_by_all_tools(fresh: Sandbox, games_in: Any) -> None:
    play = games_in(fresh)(faithful(), command_seconds=2.0)
    play.start()
    assert seen(play.call("bash", "nope")) == "/bin/bash: line 15: nope: command not found\n"
    play.call("bash", "mkdir -p a/b; ln -s a/b link; cd link; false")
    play.call("create", "n.txt\none\ntwo")  # sent as 5 lines; every call has 5 more
    counted = 15 + 6 + 6 + 10
    assert seen(play.call("bash", "echo $? $LINENO; cat n.txt")) == f"0 {counted}\none\ntwo"
    play.call("bash", "cd /testbed")
    assert "+    return 'Hello ' + name" in seen(play.solve())
    assert play.say("## Done").exit == "submitted"


def test_a_new_sandbox_takes_over(fresh: Sandbox, games_in: Any) -> None:
    games = games_in(fresh)
    first = games()
    first.start()
    first.fix()
    first.call("bash", "mkdir -p sub && cd sub && head -c 300 /dev/urandom > noise && md5sum noise")
    digest = first.events[-1].messages[0].text.split()[1]
    fresh.close()
    second = games()
    second.environment.restore(tuple(first.events))
    text = seen(second.call("bash", "pwd; md5sum noise; git diff --stat"))
    assert text.startswith(f"/testbed/sub\n{digest}  noise\n")
    assert "greet.py" in text
    assert fresh.cwd == "/testbed/sub"


def test_a_sandbox_that_dies_ends_the_episode(fresh: Sandbox, games_in: Any) -> None:
    play = games_in(fresh)()
    play.start()
    play.fix()
    fresh.close()
    end = play.call("bash", "ls")
    assert end.exit == "sandbox_error"
    assert "+    return 'Hello ' + name" in play.environment.patch()


@pytest.mark.parametrize(
    "action",
    [
        "rm -rf --no-preserve-root / 2>/dev/null; true",
        "chmod 000 /testbed; chown 12345 /testbed 2>/dev/null; true",
        "echo 'echo fake' >/usr/local/bin/git && chmod +x /usr/local/bin/git; rm -rf .git; "
        "ln -sfn /nowhere .git",
        "rm -rf /testbed /tmp/.[!.]*; true",
    ],
)
def test_what_the_agent_does_to_its_own_place_is_the_attempts_end(
    fresh: Sandbox, games_in: Any, action: str
) -> None:
    games = games_in(fresh)
    play = games()
    play.start()
    play.fix()
    end = play.call("bash", action)
    if end.exit is None:  # it does no harm in this kind of sandbox
        assert play.call("bash", "echo on").exit is None
        return
    assert end.exit == "sandbox_error"
    events = [*play.events[: -len(end.events) - 1], Ended(end.exit, end.detail, end.cause)]
    fresh.close()
    second = games()
    second.environment.restore(tuple(events))
    end = second.call("bash", action)
    assert end.exit == "sandbox_broken"
    assert "+    return 'Hello ' + name" in second.environment.patch()


def test_the_model_is_told_which_limit_it_met(fresh: Sandbox, games_in: Any) -> None:
    play = games_in(fresh)(command_seconds=1.0)
    play.start()
    play.call("bash", "cp /bin/sleep /tmp/nano")
    text = seen(play.call("bash", "/tmp/nano 60"))
    assert "It ran a program that waits for a person (nano)." in text
    ran = play.events[-2]
    assert (ran.ending, ran.cause) == ("timeout", "interactive")


def test_what_does_not_apply_is_no_submission(fresh: Sandbox, games_in: Any, upstream: Any) -> None:
    (upstream.root / ".gitattributes").write_text("*.py ident\n")
    (upstream.root / "id.py").write_text("# $Id$\nx = 1\n")
    upstream.commit("Keywords")
    (upstream.root / "id.py").unlink()
    upstream("checkout", "-q", ".")
    play = games_in(fresh)()
    play.start()
    play.fix()
    play.call("bash", "sed -i s/1/2/ id.py; git diff > /tmp/right.patch; cd /tmp")
    play.call("bash", "sed 's/-1,2 +1,2/-1,3 +1,4/' right.patch > counts.patch")
    play.call("bash", "sed 's/nam$/name!/' right.patch > wrong.patch")
    wrong = seen(play.call("submit", "wrong.patch"))
    assert wrong.startswith("Not submitted: wrong.patch does not apply to the repository as it")
    assert "error: patch failed: greet.py:1\n" in wrong
    assert "\n # $Id$\n-x = 1\n+x = 2\n" in play.environment.patch()
    repaired = seen(play.call("submit", "counts.patch"))
    assert repaired.startswith("The line counts in the patch were wrong. They were corrected.\n")
    assert play.say("## Done").exit == "submitted"
    (upstream.root.parent / "x.patch").write_text(play.environment.patch())
    upstream("apply", "../x.patch")
    assert (upstream.root / "id.py").read_text().endswith("$\nx = 2\n")
    assert "+ name" in (upstream.root / "greet.py").read_text()
