"""A demand that no node can meet is told at once, with both sides."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwm_agent.cluster.connect import connected
from cwm_agent.cluster.demand import SLOT, Demand, Node, unmet
from cwm_agent.errors import NotReadyError, UsageError

SANDBOX = Demand("a sandbox", {SLOT: 1.0})
GPUS = Demand("an engine replica", {"GPU": 8.0}, count=2)


def test_the_reason_names_what_was_asked_and_what_each_node_has() -> None:
    nodes = [Node("one", {"CPU": 16.0, "GPU": 4.0}), Node("two", {"CPU": 8.0, "memory": 9e9})]
    reason = unmet([SANDBOX, GPUS], nodes)
    assert reason.splitlines() == [
        "a sandbox asks for docker_slot 1 on one node, and no node has that; "
        "an engine replica asks for GPU 8 on one node, and no node has that. The nodes:",
        "  one has CPU 16, GPU 4",
        "  two has CPU 8",
    ]
    assert "none is up" in unmet([SANDBOX], [])


def test_gpus_of_two_nodes_make_no_tensor_parallel_group() -> None:
    halves = [Node(name, {"GPU": 4.0}) for name in ("one", "two", "three", "four")]
    assert unmet([GPUS], halves)
    assert unmet([GPUS], [Node("one", {"GPU": 15.0})]).startswith(
        "an engine replica asks for GPU 8 on one node; 2 are wanted and the nodes hold 1"
    )
    assert unmet([GPUS], [Node("one", {"GPU": 16.0})]) == ""


@given(
    sizes=st.lists(st.integers(0, 40), max_size=6),
    each=st.integers(1, 8),
    count=st.integers(1, 6),
)
def test_met_exactly_when_they_can_be_placed(sizes: list[int], each: int, count: int) -> None:
    nodes = [Node(str(number), {"GPU": float(size)}) for number, size in enumerate(sizes)]
    free, placed = list(sizes), 0
    for _ in range(count):  # one after the other, wherever it fits
        for number, size in enumerate(free):
            if size >= each:
                free[number] -= each
                placed += 1
                break
    demand = Demand("an engine", {"GPU": float(each)}, count)
    assert (unmet([demand], nodes) == "") == (placed == count)


def test_an_address_where_nobody_answers_fails_at_once() -> None:
    with (
        pytest.raises(NotReadyError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"),
        connected("127.0.0.1:1", print),
    ):
        pass
    with pytest.raises(UsageError, match="not HOST:PORT"), connected("ray://head", print):
        pass


def test_without_ray_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(UsageError, match=r"pip install 'cwm-agent\[cluster\]'"),
        connected(None, print),
    ):
        pass
