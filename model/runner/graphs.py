"""How a decode step is recorded, for which sizes, and what is left of a replay.

On CUDA a recording is a graph: a single launch replays it, which saves about
a thousand launches a step. Everything in it lies where it lay at the
recording: inputs and results are static buffers, and what lies between is in
one pool that all graphs share, since only one runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from model.step.pinned import new_event

Step: TypeAlias = Callable[[], None]
Recorder: TypeAlias = Callable[[Step], Step]
_STEP = 16


def graph_sizes(most: int) -> tuple[int, ...]:
    """The numbers of rows that are recorded: 1, 2, 4, 8, 16, then every 16 up to `most`.

    `most` is always the last. A step with a number between two sizes is padded to the larger one.
    """
    powers = [size for size in (1, 2, 4, 8) if size < most]
    return (*powers, *range(_STEP, most, _STEP), most)


def padded_size(sizes: tuple[int, ...], rows: int) -> int | None:
    """The smallest size that holds `rows`; None if there is none."""
    return next((size for size in sizes if size >= rows), None)


def recorder(device: torch.device) -> Recorder:
    """Records steps as the device can."""
    return CudaRecorder() if device.type == "cuda" else rerun


class CudaRecorder:
    """Turns a step into the replay of a graph; all graphs share one memory pool."""

    def __init__(self) -> None:
        self._stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        """Run the step once, so that kernels are compiled and libraries set up; then record it."""
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            step()
        torch.cuda.current_stream().wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile; only this one must not wait for it.
        with torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):
            step()
        return graph.replay


def rerun(step: Step) -> Step:
    """For devices that record nothing: the step itself, after one run as for a recording."""
    step()
    return step


@dataclass(frozen=True, slots=True)
class Replayed:
    """A `model.runner.decoder.Launched`."""

    logits: Tensor
    host_ids: Tensor
    done: torch.cuda.Event | None

    def ready(self) -> bool:
        """Whether the device is through with it."""
        return self.done is None or bool(self.done.query())  # type: ignore[no-untyped-call]

    def ids(self) -> list[int]:
        """The sampled tokens: the one place where the host waits for the device."""
        if self.done is not None:
            self.done.synchronize()
        found: list[int] = self.host_ids.tolist()
        return found


class StepResults:
    """Where a recorded step leaves its logits and tokens."""

    def __init__(self, most: int, vocabulary: int, device: torch.device) -> None:
        self._logits = torch.zeros((most, vocabulary), device=device)
        self._ids = torch.zeros(most, dtype=torch.int64, device=device)
        self._host_ids = torch.zeros(most, dtype=torch.int64, pin_memory=device.type == "cuda")
        self._done = new_event(device)

    def store(self, logits: Tensor, ids: Tensor) -> None:
        """Part of the recording: keep (rows, vocabulary) and (rows,)."""
        rows = len(ids)
        self._logits[:rows].copy_(logits)
        self._ids[:rows].copy_(ids)

    def read(self, rows: int) -> Replayed:
        """After a replay: the first `rows` of them, once the device is there."""
        self._host_ids[:rows].copy_(self._ids[:rows], non_blocking=True)
        if self._done is not None:
            self._done.record()
        return Replayed(self._logits[:rows], self._host_ids[:rows], self._done)
