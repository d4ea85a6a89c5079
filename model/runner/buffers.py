"""The inputs of decode steps at fixed addresses, as a captured graph needs them.

A step of any number of rows is laid out in the first rows of the buffers, up
to one of the sizes of `model.runner.graphs`; the rest of that size is padding: no
keys to read, nowhere to write (docs/kernels.md). Drafts are rows of their own,
one for each token: a token sees the ones before it, since all keys of a layer
are written before any is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from model.kvcache.layer_groups import LayerGroup
from model.step.batch import Batch
from model.step.page_tables import PagedRows, Pages
from model.step.pinned import PinnedBuffer
from model.step.plan import PageSpan, Row
from model.step.sample_inputs import SampleInputs, low_64
from model.step.sampler import Draw

NOWHERE = -1  # the slot of a row that only fills the batch
_FILTERS = frozenset({"top_k", "top_p"})  # a captured step serves them all


@dataclass(frozen=True, slots=True)
class Token:
    """One row of a decode step: a token, its position, and the pages of its sequence."""

    id: int
    position: int
    spans: tuple[PageSpan, ...]


def tokens_of(rows: Sequence[Row]) -> Iterator[Token]:
    """The tokens of decodes and drafts, in the order of the rows."""
    for row in rows:
        for i, token in enumerate(row.tokens):
            yield Token(token, row.start + i, row.spans)


class StepBuffers:
    """Room for `most` rows of contexts up to `context`: what they compute, and how they sample."""

    def __init__(
        self,
        groups: Sequence[LayerGroup],
        *,
        most: int,
        context: int,
        page_size: int,
        device: torch.device,
    ) -> None:
        self.most = most
        self.context = context
        self._groups = tuple(groups)
        self._page_size = page_size
        self._longest = tuple(_longest(group, context, page_size) for group in groups)

        def zeros(rows: int, columns: int, dtype: torch.dtype) -> PinnedBuffer:
            return PinnedBuffer(torch.zeros((rows, columns), dtype=dtype), device)

        count = len(self._groups)
        # ids, positions, then the slots of each group; and lengths by group.
        self._places = zeros(2 + count, most, torch.int64)
        self._lengths = zeros(count, most, torch.int32)
        self._tables = [
            zeros(most, -(-longest // page_size), torch.int32) for longest in self._longest
        ]
        self._begins = torch.arange(most + 1, dtype=torch.int32, device=device)
        self._wanted = torch.arange(most, device=device)
        # Seeds, streams, positions, top-k; temperatures, min-p; top-p.
        self._whole = zeros(4, most, torch.int64)
        self._real = zeros(2, most, torch.float32)
        self._mass = zeros(1, most, torch.float64)

    def fits(self, rows: Sequence[Row]) -> bool:
        """Whether all tokens of these rows can be laid out at once."""
        count = sum(len(row.tokens) for row in rows)
        longest = max((row.start + len(row.tokens) for row in rows), default=0)
        return 0 < count <= self.most and longest <= self.context

    def fill(self, tokens: Sequence[Token], size: int) -> None:
        """Lay out a step in the first `size` rows, after all that still reads the last one."""
        for buffer in (self._places, self._lengths, *self._tables):
            buffer.wait()
        places, lengths = self._places.host.numpy(), self._lengths.host.numpy()
        places[:2, :size] = 0
        places[2:, :size] = NOWHERE
        lengths[:, :size] = 0
        for i, token in enumerate(tokens):
            places[0, i], places[1, i] = token.id, token.position
            for g, (span, group) in enumerate(zip(token.spans, self._groups, strict=True)):
                pages = np.frombuffer(span.pages, dtype=np.int32)
                low = group.first_needed(token.position) // self._page_size
                last = token.position // self._page_size
                visible = pages[low - span.first : last + 1 - span.first]
                self._tables[g].set_row(i, visible)
                lengths[g, i] = token.position + 1 - low * self._page_size
                within = token.position % self._page_size
                places[2 + g, i] = int(visible[-1]) * self._page_size + within
        self._places.send()
        self._lengths.send()

    def fill_draws(self, draws: Sequence[Draw], size: int) -> None:
        """Set how the first `size` rows sample; one without a draw takes the likeliest token."""
        buffers = (self._whole, self._real, self._mass)
        for buffer in buffers:
            buffer.wait()
        whole, real, mass = (buffer.host.numpy() for buffer in buffers)
        whole[:, :size], real[:, :size], mass[:, :size] = 0, 0.0, 1.0
        for i, draw in enumerate(draws):
            params = draw.params
            whole[:, i] = [
                low_64(params.seed), low_64(draw.stream), low_64(draw.position), params.top_k
            ]  # fmt: skip
            real[:, i] = params.temperature, params.min_p
            mass[0, i] = params.top_p
        for buffer in buffers:
            buffer.send()

    def batch(self, size: int) -> Batch:
        """The first `size` rows, as views that stay valid."""
        pages = tuple(
            Pages(table.device[:size], lengths[:size], self._page_size, longest)
            for table, lengths, longest in zip(
                self._tables, self._lengths.device, self._longest, strict=True
            )
        )
        rows = PagedRows(0, size, self._begins[: size + 1], 1, pages)
        places = self._places.device
        return Batch(
            ids=places[0, :size],
            positions=places[1, :size],
            slots=tuple(slots[:size] for slots in places[2:]),
            gathers=(),
            paged=(rows,),
            decodes=size,
            extend=(),
            wanted=self._wanted[:size],
        )

    def sample_inputs(self, size: int) -> SampleInputs:
        """How the first `size` rows sample, as views that stay valid."""
        seeds, streams, positions, top_k = self._whole.device[:, :size]
        temperatures, min_p = self._real.device[:, :size]
        return SampleInputs(
            seeds=seeds,
            streams=streams,
            positions=positions,
            temperatures=temperatures,
            top_p=self._mass.device[0, :size],
            min_p=min_p,
            top_k=top_k,
            filters=_FILTERS,
        )


def _longest(group: LayerGroup, context: int, page_size: int) -> int:
    """Most slots of its table that a row uses: a window may begin anywhere in its first page."""
    if group.window is None:
        return context
    return min(context, group.window + page_size - 1)
