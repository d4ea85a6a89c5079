"""`cwm-agent run --on ray` on real nodes."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from helpers import Batch, write_suite, write_task
from raynodes import LOCAL, NODE

from cwm_agent.scaling.chosen import CHOICE_FILE
from cwm_agent.scaling.generate import FOLDER
from cwm_agent.scaling.rounds import BUDGET_FILE
from cwm_agent.scaling.storage import EVIDENCE_FILE, load_table
from results.journal import read_journal
from results.records import AttemptStarted, Ended, Graded, Observed, Replied


def test_refused_demand_then_a_run_that_is_drained_and_ends_elsewhere(
    batch: Batch, cluster: Any
) -> None:
    suite, recordings = write_suite(batch.folder, range(1, 2), seconds=0.5)
    greedy = ("--model", "nano", "--set", "device=cuda", "--set", "engine.tensor_parallel=8")
    _, stderr = batch("run", suite, *greedy, *LOCAL, "--on", "ray", code=4)
    assert "an engine replica asks for GPU 8 on one node, and no node has that" in stderr
    assert " has docker_slot 2\n" in stderr
    assert not list(batch.folder.glob("runs/*"))

    command = ("run", suite, "--replay", recordings, "--samples", 2, "--name", "run", *LOCAL)
    process = batch.start(*command, "--on", "ray", "--json")
    batch.wait_for_turns("run", 3, process)
    (answer,) = batch.json("ctl", "run", "status")
    assert {busy["id"] for busy in answer["status"]["active"]} == {
        "nano-seen-1/0",
        "nano-seen-1/1",
    }
    assert answer["status"]["turns"] > 0
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, "finishing the turns" in stderr) == (130, True), stderr
    assert [json.loads(line)["record"] for line in stdout.splitlines()] == ["launch", "done"]
    before = {a.sample: a.events_path.read_bytes() for a in batch.run("run").attempts()}

    (_, done) = batch.json(*command)  # the same run, now in this process
    assert done["status"]["counts"]["resolved"] == 2
    for attempt in batch.run("run").attempts():
        assert attempt.events_path.read_bytes().startswith(before[attempt.sample])
        events = [entry.event for entry in attempt.entries()]
        assert len({e.pid for e in events if isinstance(e, AttemptStarted)}) == 2
        turns = [event.turn for event in events if isinstance(event, Replied)]
        assert turns == list(range(1, len(turns) + 1))
        assert sum(isinstance(event, Observed) for event in events) >= len(turns)
    assert batch.left() == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_samples_are_drawn_in_rounds_on_nodes_graded_and_tested_by_a_replica(
    batch: Batch, cluster: Any
) -> None:
    cluster.add_node(num_cpus=1, resources={"docker_slot": 2}, **NODE)
    suite = write_task(batch.folder, "unseen/106")
    small = ("--set", "device=cpu", "--set", "cluster.replica_cpus=1", "--set", "scaling.tests=1")
    rounds = ("--samples", 3, "--until", 0.95, "--branch", "--name", "far")
    _, stderr = batch("run", suite, *rounds, *small, *LOCAL, "--on", "ray")
    run = batch.run("far")
    ((name, drawn),) = json.loads((run.folder / BUDGET_FILE).read_text())["samples"].items()
    assert f"{drawn} of at most 3 samples drawn" in stderr
    table = load_table(run.folder / name / EVIDENCE_FILE)
    assert [candidate.sample for candidate in table.candidates] == list(range(drawn))
    assert (run.folder / name / CHOICE_FILE).is_file()
    for attempt in run.attempts():
        (graded,) = [e.event for e in attempt.entries() if isinstance(e.event, Graded)]
        assert graded.cached_tokens >= graded.context_tokens - 1
    written = read_journal(run.folder / name / FOLDER / "0" / "events.jsonl")
    assert isinstance(written[-1].event, Ended)
    assert any(isinstance(entry.event, Replied) for entry in written)
    assert batch.left() == []
