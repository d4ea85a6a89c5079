"""A step plan as index tensors, built once a step and used by every layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from model.kvcache.layer_groups import LayerGroup
from model.step.page_tables import PagedRows, lay_out_pages
from model.step.plan import Row, StepPlan

Slots: TypeAlias = Tensor | slice
Numbers: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Gather:
    """Which slots the attention of one layer group reads.

    `decode` (rows * longest,) are the slots of all one-token rows, padded to the
    longest; `mask` (1, rows, 1, longest) marks the real ones, None when all
    are. `extend[i]` are the slots of the i-th longer row. Neighbouring slots of
    one row are a slice, which reads without copying.
    """

    decode: Slots | None
    mask: Tensor | None
    extend: tuple[Slots, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens of a step: first those of one-token rows, then the longer rows one after another.

    ids, positions (tokens,); `slots[g]` (tokens,) is where group g stores them;
    `extend` are (begin, end) of the longer rows in the token dimension;
    `wanted` are the tokens whose logits are asked for, in the order of the
    plan's rows. What attention reads is in `gathers`, one a group, or for
    kernels that walk page tables in `paged` (see `model.step.page_tables`).
    """

    ids: Tensor
    positions: Tensor
    slots: tuple[Tensor, ...]
    gathers: tuple[Gather, ...]
    paged: tuple[PagedRows, ...]
    decodes: int
    extend: tuple[tuple[int, int], ...]
    wanted: Tensor


def build_batch(
    plan: StepPlan,
    groups: Sequence[LayerGroup],
    page_size: int,
    device: torch.device,
    *,
    paged: bool = False,
) -> Batch:
    """Lay out the rows of a plan, with page tables if `paged`."""
    decodes = [row for row in plan.rows if len(row.tokens) == 1]
    extends = [row for row in plan.rows if len(row.tokens) > 1]
    if paged:
        extends.sort(key=lambda row: len(row.tokens))  # drafts beside each other
    rows = [*decodes, *extends]
    begins = np.cumsum([0, *(len(row.tokens) for row in rows)])
    place = {row.sequence: int(begin) for row, begin in zip(rows, begins, strict=False)}
    wanted = [
        place[row.sequence] + i
        for row in plan.rows
        for i in range(len(row.tokens) - row.logits, len(row.tokens))
    ]

    def tensor(values: Sequence[int] | Numbers) -> Tensor:
        return torch.as_tensor(np.asarray(values, dtype=np.int64)).to(device)

    gathers, slots = [], []
    for g, group in enumerate(groups):
        if paged:
            slots.append(tensor(np.concatenate([_new_slots(row, g, page_size) for row in rows])))
            continue
        visible = [_visible_slots(row, g, group, page_size) for row in rows]
        new = [s[len(s) - len(r.tokens) :] for r, s in zip(rows, visible, strict=True)]
        slots.append(tensor(np.concatenate(new)))
        gathers.append(_gather(visible, len(decodes), device))
    return Batch(
        ids=tensor([token for row in rows for token in row.tokens]),
        positions=tensor(
            np.concatenate([np.arange(r.start, r.start + len(r.tokens)) for r in rows])
        ),
        slots=tuple(slots),
        gathers=tuple(gathers),
        paged=lay_out_pages(rows, groups, page_size, device) if paged else (),
        decodes=len(decodes),
        extend=tuple((int(begins[i]), int(begins[i + 1])) for i in range(len(decodes), len(rows))),
        wanted=tensor(wanted),
    )


def _new_slots(row: Row, g: int, page_size: int) -> Numbers:
    """Slots that the row's own tokens are written to."""
    span = row.spans[g]
    place = np.arange(row.start, row.start + len(row.tokens)) - span.first * page_size
    pages = np.frombuffer(span.pages, dtype=np.int32).astype(np.int64)
    slots: Numbers = pages[place // page_size] * page_size + place % page_size
    return slots


def _visible_slots(row: Row, g: int, group: LayerGroup, page_size: int) -> Numbers:
    """Slots from the oldest position that the row's first token sees to its last token."""
    span = row.spans[g]
    base = span.first * page_size
    first = group.first_needed(row.start) - base
    end = row.start + len(row.tokens) - base
    low, high = first // page_size, -(-end // page_size)
    pages = np.frombuffer(span.pages, dtype=np.int32)[low:high].astype(np.int64)
    every = (pages[:, None] * page_size + np.arange(page_size)).reshape(-1)
    return every[first - low * page_size : end - low * page_size]


def _gather(
    visible: list[Numbers],
    decodes: int,
    device: torch.device,
) -> Gather:
    extend = tuple(_one_row(slots, device) for slots in visible[decodes:])
    if not decodes:
        return Gather(None, None, extend)
    if decodes == 1:
        return Gather(_one_row(visible[0], device), None, extend)
    lengths = np.array([len(s) for s in visible[:decodes]])
    longest = int(lengths.max())
    padded = np.zeros((decodes, longest), dtype=np.int64)
    for i, slots in enumerate(visible[:decodes]):
        padded[i, : len(slots)] = slots
    mask = None
    if lengths.min() < longest:
        real = np.arange(longest) < lengths[:, None]
        mask = torch.from_numpy(real).to(device)[None, :, None, :]
    return Gather(torch.from_numpy(padded.reshape(-1)).to(device), mask, extend)


def _one_row(slots: Numbers, device: torch.device) -> Slots:
    if (np.diff(slots) == 1).all():
        return slice(int(slots[0]), int(slots[-1]) + 1)
    return torch.from_numpy(slots).to(device)
