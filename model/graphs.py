"""Decode steps as CUDA graphs, one for each number of rows, sampler included.

A graph is a step recorded once and replayed by a single launch, which saves
about a thousand launches a step. Everything in it lies where it lay at the
recording: inputs and results are static buffers, and what lies between is in
one pool that all graphs share, since only one runs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from model.batch import Batch
from model.decodebuffers import DecodeBuffers, Token
from model.graphsizes import padded_size
from model.ops.triton.sample import sample_rows
from model.samplebuffers import SampleBuffers
from model.sampler import Draw


@dataclass(frozen=True, slots=True)
class LaunchedGraph:
    """See `model.decoder.Launched`."""

    logits: Tensor
    host_ids: Tensor
    done: torch.cuda.Event

    def ids(self) -> list[int]:
        """See Launched: the one place where the host waits for the device."""
        self.done.synchronize()
        found: list[int] = self.host_ids.tolist()
        return found


class DecodeGraphs:
    """Captured steps over `buffers`; `forward` must neither wait nor read a tensor on the host."""

    def __init__(
        self,
        buffers: DecodeBuffers,
        sizes: Sequence[int],
        forward: Callable[[Batch], Tensor],
        *,
        vocabulary: int,
        device: torch.device,
    ) -> None:
        self._buffers = buffers
        self._sizes = tuple(sizes)
        self._forward = forward
        self._sampling = SampleBuffers(buffers.most, device)
        self._logits = torch.zeros((buffers.most, vocabulary), device=device)
        self._ids = torch.zeros(buffers.most, dtype=torch.int64, device=device)
        self._host_ids = torch.zeros(buffers.most, dtype=torch.int64, pin_memory=True)
        self._done = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._graphs = self._capture_all()

    def launch(self, tokens: Sequence[Token], draws: Sequence[Draw]) -> LaunchedGraph:
        """Begin a step; tokens and draws row by row."""
        size = padded_size(self._sizes, len(tokens))
        assert size is not None, "the largest size holds a full batch"
        rows = len(tokens)
        self._buffers.fill(tokens, size)
        self._sampling.fill(draws, size)
        self._graphs[size].replay()
        self._host_ids[:rows].copy_(self._ids[:rows], non_blocking=True)
        self._done.record()
        return LaunchedGraph(self._logits[:rows], self._host_ids[:rows], self._done)

    @torch.inference_mode()
    def _capture_all(self) -> dict[int, torch.cuda.CUDAGraph]:
        """The largest first: the others then find room in its memory."""
        stream: torch.cuda.Stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        pool = torch.cuda.graph_pool_handle()
        return {
            size: self._capture(size, stream, pool) for size in sorted(self._sizes, reverse=True)
        }

    def _capture(self, size: int, stream: torch.cuda.Stream, pool: Any) -> torch.cuda.CUDAGraph:
        self._buffers.fill((), size)
        self._sampling.fill((), size)
        # Kernels are compiled, and libraries set up, by a first run outside the graph.
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step(size)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads may use the device meanwhile, only this one must not wait for it.
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            self._step(size)
        return graph

    def _step(self, size: int) -> None:
        logits = self._forward(self._buffers.batch(size))
        finite = torch.isfinite(logits).all(-1)
        ids = sample_rows(logits, self._sampling.inputs(size))
        self._logits[:size].copy_(logits)
        self._ids[:size].copy_(torch.where(finite, ids, -1))
