"""Any turn of an attempt can be had again, in a new sandbox of either kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from envs.bubblewrap.sandbox import BubblewrapSandbox
from envs.docker.engine import connect_engine
from envs.docker.sandbox import DockerSandbox
from envs.errors import SandboxError, TurnError
from envs.images.recipes import base_image
from envs.repository.restore import branch, state_after
from envs.sandbox.owner import boot_id
from envs.sandbox.sandbox import Owner, Sandbox, SandboxLimits
from envs.task import IssueTask
from results.records import Event, Message, Observed, Replied, Reply, Snapshot

OWNER = Owner("test", "branch", 0, os.getpid(), boot_id())
ROOT = "/testbed"


@pytest.fixture(params=["bubblewrap", pytest.param("docker", marks=pytest.mark.docker)])
def make(request: pytest.FixtureRequest) -> Iterator[Callable[[], Sandbox]]:
    """Makes closed sandboxes of one kind."""
    if request.param == "bubblewrap":
        yield lambda: BubblewrapSandbox(limits=SandboxLimits(), owner=OWNER)
        return
    try:
        client = connect_engine()
    except SandboxError as error:
        pytest.skip(str(error))
    image = base_image(client)
    yield lambda: DockerSandbox(image, limits=SandboxLimits(), owner=OWNER)
    client.close()


def output(sandbox: Sandbox, command: str) -> str:
    return sandbox.run(command, timeout=60).output


def test_each_turn_comes_back_as_it_was(
    make: Callable[[], Sandbox], games_in: Any, upstream: Any
) -> None:
    task = IssueTask("greet-1", "greet() fails", upstream.root)
    with make() as sandbox:
        play = games_in(sandbox)()
        play.start()
        play.call("bash", "ls")
        play.fix()
        play.call(
            "bash", "mkdir 'a b' && cd 'a b' && printf 'x\\0y' > data.bin && chmod +x data.bin"
        )
        play.call("bash", "cd .. && rm greet.py && ln -s 'a b/data.bin' link")
        events = play.events
    seen = []
    for turn in range(5):
        state = state_after(events, turn, ROOT)
        with branch(make, task, state) as branched:
            seen.append(output(branched.sandbox, "pwd; ls -F /testbed; git diff --stat | tail -1"))
            assert branched.repository.snapshot().diff == state.diff
    changed = " 1 file changed, 1 insertion(+), 1 deletion(-)\n"
    assert seen == [
        "/testbed\ngreet.py\n",
        "/testbed\ngreet.py\n",
        f"/testbed\ngreet.py\n{changed}",
        f"/testbed/a b\na b/\ngreet.py\n{changed}",
        "/testbed\na b/\nlink@\n 1 file changed, 2 deletions(-)\n",
    ]


def test_a_branch_does_not_touch_what_it_came_from(
    make: Callable[[], Sandbox], games_in: Any, upstream: Any
) -> None:
    task = IssueTask("greet-1", "greet() fails", upstream.root)
    with make() as sandbox:
        play = games_in(sandbox)()
        play.start()
        play.fix()
        with branch(make, task, state_after(play.events, 1, ROOT)) as branched:
            output(branched.sandbox, "rm -rf .git *")
        assert "'Hello ' + name" in output(sandbox, "cat greet.py")


def test_a_state_that_comes_out_otherwise_is_refused(
    make: Callable[[], Sandbox], games_in: Any, upstream: Any
) -> None:
    task = IssueTask("greet-1", "greet() fails", upstream.root)
    with make() as sandbox:
        play = games_in(sandbox)()
        play.start()
        play.fix()
        state = state_after(play.events, 1, ROOT)
    upstream.commit("More", more__py="print()\n")
    with pytest.raises(SandboxError, match="after turn 1 came out as tree"):
        branch(make, task, state)
    upstream.commit("Other", greet__py="nothing\n")
    with pytest.raises(SandboxError, match="after turn 1 cannot be restored"):
        branch(make, task, state)


def events_of(turns: int, *snapshots: Snapshot) -> list[Event]:
    replied: list[Event] = [Replied(turn, Reply("x")) for turn in range(1, turns + 1)]
    return [Observed((Message("user", "go"),)), *replied, *snapshots]


def test_a_turn_without_a_snapshot_is_like_the_one_before() -> None:
    events = events_of(4, Snapshot(1, "a", "A", "/x"), Snapshot(3, "b", "B", "/y"))
    states = [state_after(events, turn, ROOT) for turn in (0, 1, 2, 3, None)]
    assert [state.tree for state in states] == ["", "a", "a", "b", "b"]
    assert [state.cwd for state in states] == [ROOT, "/x", "/x", "/y", "/y"]
    assert states[-1].turn == 4


@pytest.mark.parametrize("turn", [-1, 3])
def test_a_turn_that_was_not_is_named(turn: int) -> None:
    with pytest.raises(TurnError, match=f"no turn {turn}: it has 2"):
        state_after(events_of(2), turn, ROOT)
