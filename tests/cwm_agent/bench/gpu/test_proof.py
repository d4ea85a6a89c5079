"""Every kernel in bf16 on a GPU against fp64, as in the first pass of the check."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from cwm_agent.bench.gpu.events import Recorder, read_events
from cwm_agent.bench.gpu.measure.bench import bench_of
from cwm_agent.bench.gpu.plan import KERNELS
from cwm_agent.bench.gpu.proof.compare import Case, Check, near, prove_all
from cwm_agent.bench.gpu.proof.kernels import CASES, prove
from cwm_agent.bench.gpu.task import Task


def task_of(tmp_path: Path, device: str, shape: str, kernel: str = "norm") -> Task:
    events = str(tmp_path / "events")
    return Task("part", "", device, shape, events, 60, arguments={"kernel": kernel})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_in_bf16(kernel: str, tmp_path: Path) -> None:
    task = task_of(tmp_path, "cuda", "32b", kernel)
    prove(bench_of(task, Recorder(tmp_path / "events")))
    cases = [event for event in read_events(tmp_path / "events") if event["kind"] == "case"]
    assert len(cases) >= 3
    assert [case["says"] for case in cases if not case["right"]] == []


def test_every_kernel_has_three_shapes(tmp_path: Path) -> None:
    """At those of the 32B model, and at those for the interpreter."""
    assert set(CASES) == set(KERNELS)
    for device, shape in (("cuda", "32b"), ("cpu", "nano")):
        bench = bench_of(task_of(tmp_path, device, shape), Recorder(tmp_path / "events"))
        for kernel in KERNELS:
            cases = list(CASES[kernel](bench))
            assert len({case.shape for case in cases}) == len(cases) >= 3
            assert {case.kernel for case in cases} == {kernel}


def test_a_wrong_case_costs_no_other_and_one_alone_can_be_repeated(tmp_path: Path) -> None:
    one = torch.ones(4)

    def wrong() -> list[Check]:
        return [near("a", one, one), near("b", one * 1.1, one), near("c", one / 0 * 0, one)]

    cases = [Case("k", "1", wrong), Case("k", "2", lambda: [near("a", one, one)])]
    events = tmp_path / "events"
    task = task_of(tmp_path, "cpu", "nano")
    prove_all(bench_of(task, Recorder(events)), cases)
    found = [event for event in read_events(events) if event["kind"] == "case"]
    assert [case["right"] for case in found] == [False, True]
    assert found[0]["says"].startswith("c: relative error nan")
    events.unlink()
    again = Task("part", "", "cpu", "nano", str(events), 60, only=("k", "2"))
    prove_all(bench_of(again, Recorder(events)), cases)
    assert [event["shape"] for event in read_events(events)] == ["2", "2"]


@pytest.mark.parametrize("error", [0.02, float("nan"), float("inf")])
def test_errors_beyond_the_formats_rounding_are_wrong(error: float) -> None:
    assert not Check("a", error, 1e-2).right
    assert not near("a", torch.ones(2), torch.ones(3)).right
