"""Seconds of device work."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import torch


def synchronise(device: torch.device) -> None:
    """Wait until the device has done everything."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(
    device: torch.device, calls: Sequence[Callable[[], object]], *, rounds: int = 7
) -> float:
    """Median seconds of one call, over rounds in each of which all `calls` run once.

    Several calls with buffers of their own keep the device's cache from
    answering for its memory. The first round is not counted. On CUDA, events
    are recorded around a whole round, so launches run ahead of the device.
    """
    times = [_round(device, calls) for _ in range(rounds + 1)][1:]
    return statistics.median(times) / len(calls)


def _round(device: torch.device, calls: Sequence[Callable[[], object]]) -> float:
    if device.type != "cuda":
        begun = time.perf_counter()
        for call in calls:
            call()
        return time.perf_counter() - begun
    begin = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize(device)
    begin.record()
    for call in calls:
        call()
    end.record()
    torch.cuda.synchronize(device)
    return begin.elapsed_time(end) / 1e3
