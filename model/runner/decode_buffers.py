"""Tensors that keep their place while decode steps come and go, as a captured graph needs them.

A step of any number of rows is laid out in the first rows of the buffers, up
to one of the sizes of `model.runner.graph_sizes`; the rest of that size is padding: no
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
from model.step.pinned import Mirrored
from model.step.plan import PageSpan, Row

NOWHERE = -1  # the slot of a row that only fills the batch


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


class DecodeBuffers:
    """Room for `most` rows of contexts up to `context`."""

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
        count = len(self._groups)
        self._longest = tuple(_longest(group, context, page_size) for group in groups)
        widths = [-(-longest // page_size) for longest in self._longest]
        # ids, positions, then the slots of each group; and lengths by group.
        self._places = Mirrored(torch.zeros((2 + count, most), dtype=torch.int64), device)
        self._lengths = Mirrored(torch.zeros((count, most), dtype=torch.int32), device)
        self._tables = [
            Mirrored(torch.zeros((most, width), dtype=torch.int32), device) for width in widths
        ]
        self._begins = torch.arange(most + 1, dtype=torch.int32, device=device)
        self._wanted = torch.arange(most, device=device)

    def fits(self, tokens: Sequence[Token]) -> bool:
        """Whether these rows can be laid out."""
        longest = max((token.position + 1 for token in tokens), default=0)
        return 0 < len(tokens) <= self.most and longest <= self.context

    def fill(self, tokens: Sequence[Token], size: int) -> None:
        """Lay out a step in the first `size` rows, behind whatever still reads the last one."""
        for mirrored in (self._places, self._lengths, *self._tables):
            mirrored.wait()
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


def _longest(group: LayerGroup, context: int, page_size: int) -> int:
    """Most slots of its table that a row uses: a window may begin anywhere in its first page."""
    if group.window is None:
        return context
    return min(context, group.window + page_size - 1)
