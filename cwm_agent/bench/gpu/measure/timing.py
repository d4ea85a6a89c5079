"""Seconds of device work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch

Call = Callable[[], object]


def synchronise(device: torch.device) -> None:
    """Wait until the device has done everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(
    device: torch.device, calls: Sequence[Call], *, rounds: int = 7, capture: bool = False
) -> float:
    """Median seconds of one call, over rounds in each of which all `calls` run once.

    Several calls with buffers of their own keep the device's cache from
    answering for its memory. The first round is not counted. On CUDA, events
    are recorded around a round; with `capture` a round is one graph, so that
    short kernels do not wait for their launches.
    """
    for call in calls:
        call()
    synchronise(device)
    work = [_captured(calls)] if capture and device.type == "cuda" else calls
    times = [_round(device, work) for _ in range(rounds + 1)][1:]
    return statistics.median(times) / len(calls)


def _captured(calls: Sequence[Call]) -> Call:
    """A graph of all calls; they have run before, so nothing is compiled while it is recorded."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for call in calls:
            call()
    return graph.replay


def _round(device: torch.device, calls: Sequence[Call]) -> float:
    if device.type != "cuda":
        begun = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - begun
    begin = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    torch.cuda.synchronize(device)
    begin.record()
    for call in calls:
        call()
    end.record()
    torch.cuda.synchronize(device)
    return float(begin.elapsed_time(end)) / 1e3
