"""What works on a node, here without a cluster around it."""

from __future__ import annotations

import pickle
import threading
import time

from helpers import Batch, write_suite

from cwm_agent.attempt.attempt import Rules
from cwm_agent.cluster.worker import Assignment, AttemptWorker, Failure, _portable
from cwm_agent.config.resolve import load_settings
from cwm_agent.tasks.filters import Selection
from cwm_agent.tasks.job import Job
from cwm_agent.tasks.planning import plan
from cwm_agent.tasks.suite import choose, jobs_of
from envs.errors import SandboxError
from results.records import AttemptResult
from results.store import Run, Store


def made(batch: Batch, seconds: float) -> tuple[Run, Rules, Job]:
    suite, recordings = write_suite(batch.folder, range(1, 2), seconds=seconds)
    resolved = load_settings(flags={"sandbox.kind": "bubblewrap"})
    rules = Rules.of(resolved)
    run = Store(batch.folder / "runs").create(rules.run_info(), "run")
    chosen = choose(str(suite), Selection(), recordings)
    (job,) = jobs_of(chosen, lambda task: plan(task, resolved, print))
    return run, rules, job


def test_a_try_after_a_lost_one_waits_for_it_and_takes_what_it_brought(batch: Batch) -> None:
    run, rules, job = made(batch, 0.2)
    lost, other = (AttemptWorker(run.folder, rules) for _ in "12")
    outcome: list[AttemptResult | Failure] = []
    thread = threading.Thread(target=lambda: outcome.append(lost.run(Assignment("first", job, 0))))
    thread.start()
    while (progress := lost.progress()) is None or progress.turn < 2:
        time.sleep(0.02)
    lost.stop("another", True)  # a stop that came late, for a try that is over
    again = other.run(Assignment("second", job, 0))  # it still holds the journal
    thread.join()
    assert outcome == [again]
    assert isinstance(again, AttemptResult)
    assert (again.exit_reason, again.resolved) == ("submitted", True)
    assert lost.progress() is None
    for worker in (lost, other):
        worker.close()


def test_a_worker_stops_when_told_and_another_goes_on(batch: Batch) -> None:
    run, rules, job = made(batch, 30.0)
    worker = AttemptWorker(run.folder, rules)
    outcome: list[AttemptResult | Failure] = []
    thread = threading.Thread(target=lambda: outcome.append(worker.run(Assignment("only", job, 0))))
    thread.start()
    while (progress := worker.progress()) is None or progress.doing != "waiting for a reply":
        time.sleep(0.02)
    worker.stop("only", True)
    thread.join()
    worker.close()
    (result,) = outcome
    assert isinstance(result, AttemptResult)
    assert (result.exit_reason, result.turns) == ("interrupted", 0)


def test_errors_travel_with_what_the_runner_asks_of_them() -> None:
    class Foreign(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(f"{one} and {two}")

    ours = pickle.loads(pickle.dumps(_portable(SandboxError("gone", cause="container_gone"))))
    assert (str(ours), ours.cause) == ("gone", "container_gone")
    assert "SandboxError: gone" in ours.__notes__[0]
    assert str(pickle.loads(pickle.dumps(_portable(Foreign(1, 2))))) == "Foreign: 1 and 2"
