"""A whole attempt, killed again and again, or with its engine restarted under it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from cases import CHECK, EDIT, LOOK, SUBMIT, Solve, containers, slow, write_recording

from results.records import AttemptStarted, Ended, Event, Observed, Replied, Snapshot, ToolRan

sys.path.insert(0, str(Path(__file__).parents[1] / "envs" / "faults"))

from private_engine import PrivateEngine, small_image

# The working tree is submitted: a patch file in /tmp would not outlive its sandbox.
FINISH = ("<tool: submit>\n</tool>", "The operator was wrong.")
# No killed process lives long enough for the last slow turn: so each kill hits an open attempt.
TURNS = (LOOK, EDIT, *(slow(0.5),) * 4, slow(4), CHECK, *FINISH)
TASK = ("add subtracts", "--repo", "repository", "--name")


def turns(events: list[Event]) -> list[int]:
    return [event.turn for event in events if isinstance(event, Replied)]


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_killed_at_random_points_an_attempt_still_ends_well(
    solve: Solve, sandbox: str, kills: int
) -> None:
    runs = (f"kills-{os.getpid()}-{sandbox}-{kills}-{number}" for number in count())
    run = next(runs)
    chance = random.Random(f"faults {sandbox}")
    talk = write_recording(solve.folder / "talk.yaml", *TURNS)
    seen: list[Event] = []
    for kill in range(kills + 1):
        if list(solve.folder.glob(f"runs/{run}/*/0/job.json")):
            command: tuple[str | Path, ...] = ("--resume", run)
        else:  # killed before anything was written that could be resumed
            run = next(runs)
            command = (*TASK, run, "--sandbox", sandbox, "--replay", talk)
        if kill == kills:
            break
        process = solve.start(*command)
        try:
            process.communicate(timeout=chance.uniform(0.3, 3.3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        events = solve.events(run)  # readable after every kill, and nothing of it is lost
        assert events[: len(seen)] == seen
        seen = events
    answer = solve.json(*command)
    assert (answer["exit_reason"], answer["turns"]) == ("submitted", len(TURNS))
    assert "+    return a + b" in answer["patch"]
    assert turns(solve.events(run)) == list(range(1, len(TURNS) + 1))
    deadline = time.monotonic() + 120
    while containers(run) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (containers(run), solve.orphans()) == ([], [])


@pytest.fixture
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateEngine]:
    engine = PrivateEngine(tmp_path_factory.mktemp("dockerd"))
    if not engine.start():
        pytest.skip(f"a second dockerd does not start here: {engine.log()}")
    yield engine
    engine.remove()


@pytest.mark.docker
def test_an_engine_restarted_under_an_attempt_costs_one_sandbox(
    solve: Solve, private: PrivateEngine
) -> None:
    image = small_image(private.client())
    talk = write_recording(solve.folder / "talk.yaml", LOOK, EDIT, slow(2), *SUBMIT)
    solve.environment["DOCKER_HOST"] = private.host
    process = solve.start(
        *TASK, "run", "--sandbox", "docker", "--image", image, "--replay", talk, "--json"
    )
    solve.wait_for("run", Replied, 3, process)
    time.sleep(0.7)
    restart = threading.Thread(target=private.restart)
    restart.start()
    stdout, stderr = process.communicate()
    restart.join()
    assert process.returncode == 0, stderr
    assert "in a fresh sandbox" in stderr
    assert '"submitted"' in stdout
    events = solve.events("run")
    assert turns(events) == [1, 2, 3, 4, 5, 6]
    (failure, *more) = (e for e in events if isinstance(e, Ended) and e.reason == "sandbox_error")
    assert all(e.cause == "engine_unreachable" for e in more)  # while it was not yet back
    lost = [event for event in events if isinstance(event, ToolRan) and event.ending == "lost"]
    assert [event.cause for event in lost] == [failure.cause]
    assert failure.cause in ("container_gone", "engine_unreachable")
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2 + len(more)
    after = events[events.index(failure) :]
    told = next(event for event in after if isinstance(event, Observed))
    assert "was replaced after turn" in told.messages[-1].text
    # The turn in flight was acted on again, on the files of the last snapshot.
    snapshot = next(e for e in after if isinstance(e, Snapshot))
    assert snapshot.diff.count("+once") == 1
    assert private.client().containers.list(all=True, sparse=True) == []
    assert solve.orphans() == []
