"""Decode steps on buffers at fixed addresses: padded to a size, and on CUDA recorded as graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from model.kvcache.layer_groups import LayerGroup
from model.runner.buffers import StepBuffers, Token, tokens_of
from model.runner.graphs import Step, StepResults, graph_sizes, padded_size, recorder
from model.step.batch import Batch
from model.step.plan import Row
from model.step.sampler import NOT_FINITE, Draw

MOST_DRAFT_KEYS = 2**18
"""Keys that the drafts of a step may read on this path. A draft token reads the keys of its
sequence once more: up to here that is less than the weights, which are read once for all."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """How decode steps run: up to `most` rows of contexts up to `context`.

    `fixed` pads every step to `most` rows, so that a session's logits do not
    depend on its neighbours. `graphs` captures steps where the device can.
    """

    most: int
    context: int
    fixed: bool = False
    graphs: bool = True


class Launched(Protocol):
    """A step that runs while the host goes on."""

    @property
    def logits(self) -> Tensor:
        """(rows, vocabulary), valid until the next step begins."""

    def ready(self) -> bool:
        """Whether the device is through with it."""

    def ids(self) -> list[int]:
        """Wait for the sampled tokens; -1 where the logits are not finite."""


class Decoder:
    """The decode steps of one device, sampler included.

    `forward` turns a batch into logits (wanted, vocabulary); where steps are
    recorded (`captures`) it must neither wait nor read a tensor on the host.
    `samples`: whether this rank is the one that samples from them.
    """

    def __init__(
        self,
        decoding: Decoding,
        groups: Sequence[LayerGroup],
        *,
        page_size: int,
        vocabulary: int,
        device: torch.device,
        forward: Callable[[Batch], Tensor],
        captures: bool,
        samples: bool = True,
    ) -> None:
        self.fixed = decoding.fixed
        self.sizes = (decoding.most,) if decoding.fixed else graph_sizes(decoding.most)
        self._forward = forward
        self._samples = samples
        self.buffers = StepBuffers(
            groups,
            most=decoding.most,
            context=decoding.context,
            page_size=page_size,
            device=device,
        )
        self._results: StepResults | None = None
        self._replays: dict[int, Step] = {}
        if captures:
            self._results = StepResults(decoding.most, vocabulary, device)
            self._replays = self._record(self._results, device)

    def run(self, rows: Sequence[Row]) -> list[Tensor]:
        """Logits (tokens, vocabulary) of each row of decodes or drafts, without a recording."""
        tokens = list(tokens_of(rows))
        if not tokens:
            return []
        most = self.buffers.most
        parts = [self._run(tokens[at : at + most]) for at in range(0, len(tokens), most)]
        return list(torch.split(torch.cat(parts), [len(row.tokens) for row in rows]))

    def _run(self, tokens: Sequence[Token]) -> Tensor:
        return self._forward(self.buffers.batch(self._fill(tokens)))[: len(tokens)]

    def takes(self, rows: Sequence[Row], draws: Sequence[Draw]) -> bool:
        """Whether `launch` can: decodes and drafts only, no masks or biases, and few enough."""
        if not self._replays or any(row.logits != len(row.tokens) for row in rows):
            return False
        if any(draw.allowed is not None or draw.bias for draw in draws):
            return False
        again = sum((len(row.tokens) - 1) * (row.start + len(row.tokens)) for row in rows)
        if again > MOST_DRAFT_KEYS:
            return False
        return self.buffers.fits(rows)

    @torch.inference_mode()
    def launch(self, rows: Sequence[Row], draws: Sequence[Draw]) -> Launched:
        """Begin a step that `takes` accepts; draws token by token."""
        assert self._results is not None, "ask `takes` first"
        tokens = list(tokens_of(rows))
        size = self._fill(tokens)
        self.buffers.fill_draws(draws, size)
        self._replays[size]()
        return self._results.read(len(tokens))

    @torch.inference_mode()
    def follow(self, rows: Sequence[Row]) -> None:
        """This rank's part of a step that the first rank launches; it samples nothing."""
        assert self._replays, "all ranks of a group record"
        self._replays[self._fill(list(tokens_of(rows)))]()

    def _fill(self, tokens: Sequence[Token]) -> int:
        size = padded_size(self.sizes, len(tokens))
        assert size is not None, "the largest size holds a full batch"
        self.buffers.fill(tokens, size)
        return size

    @torch.inference_mode()
    def _record(self, results: StepResults, device: torch.device) -> dict[int, Step]:
        """A recording of each size, the largest first: the others find room in its memory.

        All ranks of a group record the same sizes in the same order. The run
        before each recording has set up what NCCL needs for it.
        """
        from model.ops.triton.sample import sample_rows  # there is Triton where steps are recorded

        def step(size: int) -> None:
            logits = self._forward(self.buffers.batch(size))
            if self._samples:
                finite = torch.isfinite(logits).all(-1)
                ids = sample_rows(logits, self.buffers.sample_inputs(size))
                results.store(logits, ids.masked_fill(~finite, NOT_FINITE))

        record, replays = recorder(device), {}
        for size in sorted(self.sizes, reverse=True):
            self.buffers.fill((), size)
            self.buffers.fill_draws((), size)
            replays[size] = record(partial(step, size))
        return replays
