"""Decode steps that are recorded once and replayed, one for each number of rows, sampler included.

On CUDA a recording is a graph: a single launch replays it, which saves about
a thousand launches a step. Everything in it lies where it lay at the
recording: inputs and results are static buffers, and what lies between is in
one pool that all graphs share, since only one runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from model.ops.triton.sample import sample_rows
from model.runner.decode_buffers import DecodeBuffers, Token
from model.runner.graph_sizes import padded_size
from model.runner.sample_buffers import SampleBuffers
from model.step.batch import Batch
from model.step.pinned import new_event
from model.step.sampler import NOT_FINITE, Draw

Step: TypeAlias = Callable[[], None]
Recorder: TypeAlias = Callable[[Step], Step]


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
    """See `model.runner.decoder.Launched`."""

    logits: Tensor
    host_ids: Tensor
    done: torch.cuda.Event | None

    def ready(self) -> bool:
        """See Launched."""
        return self.done is None or bool(self.done.query())  # type: ignore[no-untyped-call]

    def ids(self) -> list[int]:
        """See Launched: the one place where the host waits for the device."""
        if self.done is not None:
            self.done.synchronize()
        found: list[int] = self.host_ids.tolist()
        return found


class RecordedSteps:
    """Steps over `buffers`; `forward` must neither wait nor read a tensor on the host.

    Without `samples` a step ends with `forward`: on all ranks of a group but the first.
    """

    def __init__(
        self,
        buffers: DecodeBuffers,
        sizes: Sequence[int],
        forward: Callable[[Batch], Tensor],
        *,
        vocabulary: int,
        device: torch.device,
        samples: bool = True,
    ) -> None:
        self._buffers = buffers
        self._sizes = tuple(sizes)
        self._forward = forward
        self._samples = samples
        self._sampling = SampleBuffers(buffers.most, device)
        self._logits = torch.zeros((buffers.most, vocabulary), device=device)
        self._ids = torch.zeros(buffers.most, dtype=torch.int64, device=device)
        on_cuda = device.type == "cuda"
        self._host_ids = torch.zeros(buffers.most, dtype=torch.int64, pin_memory=on_cuda)
        self._done = new_event(device)
        self._replays = self._record_all(CudaRecorder() if on_cuda else rerun)

    @torch.inference_mode()
    def launch(self, tokens: Sequence[Token], draws: Sequence[Draw]) -> Replayed:
        """Begin a step; tokens and draws row by row."""
        size, rows = self._fill(tokens), len(tokens)
        self._sampling.fill(draws, size)
        self._replays[size]()
        self._host_ids[:rows].copy_(self._ids[:rows], non_blocking=True)
        if self._done is not None:
            self._done.record()
        return Replayed(self._logits[:rows], self._host_ids[:rows], self._done)

    @torch.inference_mode()
    def follow(self, tokens: Sequence[Token]) -> None:
        """The same step on a rank that samples nothing: begin it, and leave it to the device."""
        self._replays[self._fill(tokens)]()

    def _fill(self, tokens: Sequence[Token]) -> int:
        size = padded_size(self._sizes, len(tokens))
        assert size is not None, "the largest size holds a full batch"
        self._buffers.fill(tokens, size)
        return size

    @torch.inference_mode()
    def _record_all(self, record: Recorder) -> dict[int, Step]:
        """The largest first: the others then find room in its memory.

        All ranks of a group record the same sizes in the same order. The run
        before each recording has set up what NCCL needs for it.
        """
        replays = {}
        for size in sorted(self._sizes, reverse=True):
            self._buffers.fill((), size)
            self._sampling.fill((), size)
            replays[size] = record(lambda size=size: self._step(size))  # type: ignore[misc]
        return replays

    def _step(self, size: int) -> None:
        logits = self._forward(self._buffers.batch(size))
        if not self._samples:
            return
        finite = torch.isfinite(logits).all(-1)
        ids = sample_rows(logits, self._sampling.inputs(size))
        self._logits[:size].copy_(logits)
        self._ids[:size].copy_(ids.masked_fill(~finite, NOT_FINITE))
