"""Page tables of the rows of a step, for attention kernels that walk them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from model.kvcache.layer_groups import LayerGroup
from model.step.plan import Row

DRAFT_TOKENS = 17  # of a row: a token and a draft of 16; longer rows are attended like prompts


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the keys of some rows lie in one layer group, as page tables.

    table (rows, width) of int32: page numbers, from the first page that a row
    sees. lengths (rows,) of int32: how many slots of its pages a row uses,
    counted from the first slot of the table, its new tokens included; 0 for a
    row that only fills the batch. `longest` is a bound on them that the host
    knows.
    """

    table: Tensor
    lengths: Tensor
    page_size: int
    longest: int


@dataclass(frozen=True, slots=True)
class PagedRows:
    """Neighbouring rows that one attention kernel takes together.

    They are the tokens begin..end-1 of the batch; row i of them has the tokens
    begins[i]..begins[i+1]-1 counted from `begin`, at most `most`. begins
    (rows + 1,) of int32; `pages[g]` are the rows' pages in group g.
    """

    begin: int
    end: int
    begins: Tensor
    most: int
    pages: tuple[Pages, ...]


def lay_out_pages(
    rows: Sequence[Row], groups: Sequence[LayerGroup], page_size: int, device: torch.device
) -> tuple[PagedRows, ...]:
    """Rows in ascending order of length as runs of decodes, of drafts and of prompt chunks."""
    result: list[PagedRows] = []
    begin = 0
    for _, run in groupby(rows, key=lambda row: _kind(len(row.tokens))):
        members = list(run)
        begins = np.cumsum([0, *(len(row.tokens) for row in members)], dtype=np.int32)
        end = begin + int(begins[-1])
        result.append(
            PagedRows(
                begin,
                end,
                torch.from_numpy(begins).to(device),
                max(len(row.tokens) for row in members),
                tuple(
                    _pages(members, g, group, page_size, device) for g, group in enumerate(groups)
                ),
            )
        )
        begin = end
    return tuple(result)


def _kind(tokens: int) -> int:
    return 0 if tokens == 1 else 1 if tokens <= DRAFT_TOKENS else 2


def _pages(
    rows: Sequence[Row], g: int, group: LayerGroup, page_size: int, device: torch.device
) -> Pages:
    """From the page of the oldest position that a row's first token sees to its last token."""
    tables, lengths = [], []
    for row in rows:
        span, end = row.spans[g], row.start + len(row.tokens)
        low, high = group.first_needed(row.start) // page_size, -(-end // page_size)
        pages = np.frombuffer(span.pages, dtype=np.int32)
        tables.append(pages[low - span.first : high - span.first])
        lengths.append(end - low * page_size)
    table = np.zeros((len(rows), max(map(len, tables))), dtype=np.int32)
    for line, pages in zip(table, tables, strict=True):
        line[: len(pages)] = pages
    return Pages(
        torch.from_numpy(table).to(device),
        torch.tensor(lengths, dtype=torch.int32).to(device),
        page_size,
        max(lengths),
    )
