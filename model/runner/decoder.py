"""Decode steps on buffers that keep their place: padded to a size, and on CUDA captured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from model.kvcache.layer_groups import LayerGroup
from model.runner.decode_buffers import DecodeBuffers, Token, tokens_of
from model.runner.graph_sizes import graph_sizes, padded_size
from model.step.batch import Batch
from model.step.plan import Row
from model.step.sampler import Draw

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
    """See the module. `forward` turns a batch into logits (wanted, vocabulary).

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
        self.buffers = DecodeBuffers(
            groups,
            most=decoding.most,
            context=decoding.context,
            page_size=page_size,
            device=device,
        )
        self._recorded = None
        if captures:
            from model.runner.graphs import RecordedSteps

            self._recorded = RecordedSteps(
                self.buffers,
                self.sizes,
                forward,
                vocabulary=vocabulary,
                device=device,
                samples=samples,
            )

    def run(self, rows: Sequence[Row]) -> list[Tensor]:
        """Logits (tokens, vocabulary) of each row of decodes or drafts, without a graph."""
        tokens = list(tokens_of(rows))
        if not tokens:
            return []
        most = self.buffers.most
        parts = [self._run(tokens[at : at + most]) for at in range(0, len(tokens), most)]
        return list(torch.split(torch.cat(parts), [len(row.tokens) for row in rows]))

    def _run(self, tokens: Sequence[Token]) -> Tensor:
        size = padded_size(self.sizes, len(tokens))
        assert size is not None, "the largest size holds a full batch"
        self.buffers.fill(tokens, size)
        return self._forward(self.buffers.batch(size))[: len(tokens)]

    def takes(self, rows: Sequence[Row], draws: Sequence[Draw]) -> bool:
        """Whether `launch` can: decodes and drafts only, no masks or biases, and few enough."""
        if self._recorded is None or any(row.logits != len(row.tokens) for row in rows):
            return False
        if any(draw.allowed is not None or draw.bias for draw in draws):
            return False
        again = sum((len(row.tokens) - 1) * (row.start + len(row.tokens)) for row in rows)
        if again > MOST_DRAFT_KEYS:
            return False
        return self.buffers.fits(list(tokens_of(rows)))

    def launch(self, rows: Sequence[Row], draws: Sequence[Draw]) -> Launched:
        """Begin a step that `takes` accepts."""
        assert self._recorded is not None, "ask `takes` first"
        return self._recorded.launch(list(tokens_of(rows)), draws)

    def follow(self, rows: Sequence[Row]) -> None:
        """This rank's part of a step that the first rank launches."""
        assert self._recorded is not None, "all ranks of a group record"
        self._recorded.follow(list(tokens_of(rows)))
