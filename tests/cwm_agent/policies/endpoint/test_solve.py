"""`solve` with a served model: the same tokens, and a journal to go on from when it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from cases import Solve
from completion_server import Model, Server, serving

from cwm_agent.policies import bundled
from results.records import AttemptStarted, Ended, Replied

TASK = "nano:7"
NANO = ("--sandbox", "bubblewrap", "--model", "nano")


@pytest.fixture
def server() -> Iterator[Server]:
    model = Model(bundled.folder())
    with closing(model.engine), serving(Server(model)) as server:
        yield server


def sampled(solve: Solve, run: str) -> list[tuple[int, ...]]:
    return [event.reply.ids for event in solve.events(run) if isinstance(event, Replied)]


def test_a_served_model_solves_what_the_embedded_one_solves_and_resumes(
    solve: Solve, server: Server
) -> None:
    embedded = solve.json(TASK, *NANO, "--name", "embedded")
    server.faults.extend([None, None, *["fail"] * 100])  # two replies, then no more
    impatient = ("--set", "endpoint.retry_seconds=0.5", "--set", "sandbox.retries=1")
    first = (TASK, *NANO, *impatient, "--url", server.url, "--name", "served")
    answer = solve.json(*first, code=5)
    assert (answer["exit_reason"], answer["cause"]) == ("policy_error", "model_unreachable")
    assert f"{server.url}: 500 CUDA error" in answer["detail"]
    events = solve.events("served")
    assert sum(isinstance(event, AttemptStarted) for event in events) == 2  # tried once more
    assert isinstance(events[-1], Ended)
    with serving(Server(server.model)) as other:
        answer = solve.json("--resume", "served", "--url", other.url)
    assert (answer["resolved"], answer["policy"]) == (True, "endpoint:nano")
    # From then on the model has read that its sandbox is a new one.
    assert sampled(solve, "served")[:2] == sampled(solve, "embedded")[:2]
    assert answer["patch"] == embedded["patch"]
    assert len(other.bodies) == len(sampled(solve, "served")) - 2
    assert solve.orphans() == []
