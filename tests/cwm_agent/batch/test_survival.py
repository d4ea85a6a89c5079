"""Killed at random moments, a run goes on and ends as if nothing had been."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from helpers import Batch, write_suite

from results.journal import read_journal
from results.records import AttemptStarted, Ended, Observed, Replied
from results.store import UNFINISHED

LOCAL = ("--sandbox", "bubblewrap", "--json")


def lines_of(batch: Batch, name: str) -> dict[Path, list[bytes]]:
    """The whole lines of every journal now."""
    found = {}
    for path in batch.folder.glob(f"runs/{name}/*/*/events.jsonl"):
        found[path] = [line for line in path.read_bytes().splitlines(True) if line[-1:] == b"\n"]
    return found


def survive(
    batch: Batch, *, tasks: int, samples: int, kills: int, seconds: float, longest: float
) -> int:
    """Kill a run again and again, then let it end; returns in how many kills it was at work."""
    suite, recordings = write_suite(batch.folder, range(1, tasks + 1), seconds=seconds)
    command = ("run", suite, "--replay", recordings, "--samples", samples, "--name", "run", *LOCAL)
    dice, at_work = random.Random(tasks), 0
    seen: list[dict[Path, list[bytes]]] = []
    for _ in range(kills):
        process = batch.start(*command, "--workers", 4)
        assert process.stdout is not None
        launch = process.stdout.readline()
        assert launch, process.communicate()
        time.sleep(dice.uniform(0.2, longest))
        at_work += process.poll() is None
        process.kill()
        process.communicate()
        seen.append(lines_of(batch, "run"))
    (_, done) = batch.json(*command[:-1], "--workers", 4)
    assert done["status"]["counts"]["resolved"] == tasks * samples
    check_every_attempt(batch, tasks=tasks, samples=samples)
    final = lines_of(batch, "run")
    for moment in seen:  # what was written stays: no turn is played again
        for path, lines in moment.items():
            assert final[path][: len(lines)] == lines
    assert batch.left() == []
    return at_work


def check_every_attempt(batch: Batch, *, tasks: int, samples: int) -> None:
    results = batch.results("run")
    assert len({(result.instance, result.sample) for result in results}) == tasks * samples
    assert len(results) == tasks * samples
    assert all(result.resolved and result.exit_reason not in UNFINISHED for result in results)
    for result in results:
        events = [
            entry.event
            for entry in read_journal(
                batch.run("run").find(result.instance, result.sample).events_path
            )
        ]
        assert [e.turn for e in events if isinstance(e, Replied)] == list(
            range(1, result.turns + 1)
        )
        ends = [event for event in events if isinstance(event, Ended)]
        assert [end.reason for end in ends] == ["submitted"]
        answered = 0
        for event in events:  # each reply is answered before the next one
            if isinstance(event, Replied):
                assert answered != 0
                answered = 0
            elif isinstance(event, Observed):
                answered += 1
        assert isinstance(events[0], AttemptStarted)


def test_a_run_that_is_killed_twice(batch: Batch) -> None:
    assert survive(batch, tasks=3, samples=2, kills=2, seconds=0.05, longest=2.0) == 2


@pytest.mark.slow
def test_forty_instances_killed_ten_times(batch: Batch) -> None:
    assert survive(batch, tasks=40, samples=2, kills=10, seconds=0.15, longest=6.0) == 10


def test_a_run_goes_on_before_the_damage_of_its_journals(batch: Batch) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 3), seconds=0)
    again = ("run", suite, "--replay", recordings, "--name", "run", "--sandbox", "bubblewrap")
    batch.json(*again)
    attempt, other = batch.run("run").attempts()
    (attempt.folder / "result.json").unlink()
    lines = attempt.events_path.read_bytes().splitlines(keepends=True)
    attempt.events_path.write_bytes(damaged := b"".join([*lines[:3], b"{}\n", *lines[4:]]))
    assert "line 4: " in batch(*again, code=4)[1]
    (_, done) = batch.json(*again, "--repair")
    assert done["status"]["counts"]["resolved"] == 2
    assert attempt.folder.joinpath("events.jsonl.damaged").read_bytes() == damaged
    assert not other.folder.joinpath("events.jsonl.damaged").exists()
