"""A node that dies in the middle of a run costs time, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import Batch, write_suite
from raynodes import LOCAL, NODE, kill, outcomes

from results.records import Ended, Replied

pytestmark = pytest.mark.slow


def test_a_killed_node_leaves_the_same_results_as_a_local_run(batch: Batch, cluster: Any) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 4), seconds=1.5)
    second = cluster.add_node(num_cpus=0, resources={"docker_slot": 2}, **NODE)
    common = ("run", suite, "--replay", recordings, "--samples", 2, *LOCAL)
    batch(*common, "--name", "local")
    process = batch.start(*common, "--name", "far", "--on", "ray", "--json")
    while len(list(batch.folder.glob("runs/far/*/*/events.jsonl"))) < 4:  # on both nodes
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    batch.wait_for_turns("far", 8, process)
    kill(second)
    stdout, stderr = process.communicate(timeout=250)
    assert process.returncode == 0, stderr
    assert [json.loads(line)["record"] for line in stdout.splitlines()] == ["launch", "done"]
    assert outcomes(batch, "far") == outcomes(batch, "local")
    assert len(outcomes(batch, "far")) == 6
    log = (batch.run("far").folder / "run.log").read_text()
    assert log.count("the node or process working on it died") >= 2
    for attempt in batch.run("far").attempts():  # no turn was played twice
        events = [entry.event for entry in attempt.entries()]
        turns = [event.turn for event in events if isinstance(event, Replied)]
        assert turns == list(range(1, len(turns) + 1))
        assert [e.reason for e in events if isinstance(e, Ended)] == ["submitted"]
    assert batch.left() == [], stderr


def said(batch: Batch, name: str) -> dict[tuple[str, int], list[tuple[int, ...]]]:
    """The token ids of all replies, by attempt."""
    return {
        (attempt.instance, attempt.sample): [
            entry.event.reply.ids for entry in attempt.entries() if isinstance(entry.event, Replied)
        ]
        for attempt in batch.run(name).attempts()
    }


def test_replicas_say_what_the_engine_says_here_and_one_may_die(
    batch: Batch, cluster: Any, make_checkpoint: Callable[..., Path]
) -> None:
    checkpoint = make_checkpoint("tiny", max_position_embeddings=8192)
    suite, _ = write_suite(batch.folder, range(1, 3))
    nodes = [cluster.add_node(num_cpus=1, resources={"docker_slot": 2}, **NODE) for _ in "12"]
    quick = ("--set", "limits.turns=6", "--set", "limits.action_tokens=8", "--set", "device=cpu")
    common = ("run", suite, "--model", checkpoint, "--samples", 2, *LOCAL, *quick)
    on_ray = ("--on", "ray", "--set", "cluster.replicas=2")
    batch(*common, "--name", "local")
    batch(*common, "--name", "calm", *on_ray)
    assert said(batch, "calm") == said(batch, "local")
    process = batch.start(*common, "--name", "far", *on_ray)
    batch.wait_for_turns("far", 4, process)
    kill(nodes[1])
    _, stderr = process.communicate(timeout=250)
    assert process.returncode == 0, stderr
    assert [row[:3] for row in outcomes(batch, "far")] == [
        row[:3] for row in outcomes(batch, "local")
    ]
