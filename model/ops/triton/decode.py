"""Decode attention: the keys of a row are split among programs, whose results are then combined.

The splits begin at the oldest key that the row's first token sees and have a
fixed length, so they depend on the row alone, and none lies outside a window.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.triton.blocks import attend_keys, keys_at_once
from model.ops.triton.tuning import SplitTuning, tuning_for
from model.step.page_tables import DRAFT_TOKENS, Pages

_LEAST_ROWS = 16  # of a matrix product on the GPU
_SPLITS_AT_ONCE = 16


@triton.jit
def _row_span(begins, lengths, row, window, WINDOWED: tl.constexpr):
    """First token in the batch, tokens, first position, oldest visible key, end of the keys."""
    begin = tl.load(begins + row)
    tokens = tl.load(begins + row + 1) - begin
    length = tl.load(lengths + row)
    start = length - tokens
    oldest = start * 0
    if WINDOWED:
        oldest = tl.maximum(start - window + 1, 0)
    return begin, tokens, start, oldest, length


@triton.jit
def _split_kernel(
    query, out, parts, logsums, begins, lengths, table, pool, scale, window,
    query_stride, table_stride, pool_stride, splits,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, HEAD_DIM: tl.constexpr, PAGE: tl.constexpr,
    WINDOWED: tl.constexpr, SPLIT: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    row = tl.program_id(1)
    split = tl.program_id(2)
    begin, tokens, start, oldest, length = _row_span(begins, lengths, row, window, WINDOWED)
    count = tl.maximum(tl.cdiv(length - oldest, SPLIT), 1)
    if split >= count:
        return
    line = tl.arange(0, ROWS)  # the heads of a group one after another, token by token
    token, member = line // GROUP, line % GROUP
    entry = tl.arange(0, HEAD_DIM)
    real = line < tokens * GROUP
    place = (begin + token).to(tl.int64)
    source = query + place * query_stride + (head * GROUP + member) * HEAD_DIM
    q = tl.load(source[:, None] + entry[None, :], mask=real[:, None], other=0.0)
    first = oldest + split * SPLIT
    keys = pool + head.to(tl.int64) * pool_stride
    mixed, peak, total = attend_keys(
        q,
        tl.zeros([ROWS, HEAD_DIM], tl.float32),
        tl.full([ROWS], float("-inf"), tl.float32),
        tl.zeros([ROWS], tl.float32),
        start + token, first, tl.minimum(first + SPLIT, length),
        keys, keys + KV_HEADS * pool_stride.to(tl.int64),
        table + row.to(tl.int64) * table_stride,
        scale, window, HEAD_DIM, PAGE, BLOCK, True, WINDOWED,
    )  # fmt: skip
    weight = tl.where(total > 0, total, 1.0)
    mixed = mixed / weight[:, None]
    position = place * (KV_HEADS * GROUP) + head * GROUP + member  # token and head
    if count == 1:
        target = out + position[:, None] * HEAD_DIM + entry[None, :]
        tl.store(target, mixed.to(out.dtype.element_ty), mask=real[:, None])
    else:
        part = position * splits + split
        tl.store(parts + part[:, None] * HEAD_DIM + entry[None, :], mixed, mask=real[:, None])
        logsum = tl.where(total > 0, peak + tl.log2(weight), float("-inf"))
        tl.store(logsums + part, logsum, mask=real)


@triton.jit
def _combine_kernel(
    out, parts, logsums, begins, lengths, window, splits,
    HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, WINDOWED: tl.constexpr, SPLIT: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    row = tl.program_id(1)
    token = tl.program_id(2)
    begin, tokens, _, oldest, length = _row_span(begins, lengths, row, window, WINDOWED)
    count = tl.cdiv(length - oldest, SPLIT)
    if (token >= tokens) | (count <= 1):
        return
    position = (begin + token).to(tl.int64) * HEADS + head
    entry = tl.arange(0, HEAD_DIM)
    mixed = tl.zeros([HEAD_DIM], tl.float32)
    peak = float("-inf")
    total = 0.0
    for at in range(0, count, BLOCK):
        split = at + tl.arange(0, BLOCK)
        part = position * splits + split
        logsum = tl.load(logsums + part, mask=split < count, other=float("-inf"))
        # The first tokens of a row may see nothing of a split, and the last ones not the first.
        higher = tl.maximum(peak, tl.max(logsum, axis=0))
        base = tl.where(higher == float("-inf"), 0.0, higher)
        share = tl.exp2(logsum - base)
        fade = tl.exp2(peak - base)
        some = tl.load(
            parts + part[:, None] * HEAD_DIM + entry[None, :],
            mask=(split < count)[:, None],
            other=0.0,
        )
        mixed = mixed * fade + tl.sum(some * share[:, None], axis=0)
        total = total * fade + tl.sum(share, axis=0)
        peak = higher
    result = mixed / total
    tl.store(out + position * HEAD_DIM + entry, result.to(out.dtype.element_ty))


def _tuning(query: Tensor, most: int) -> SplitTuning:
    figures = tuning_for(query.device)
    return figures.decode if most == 1 else figures.verify


def attend_decode(
    query: Tensor,
    begins: Tensor,
    pool: Tensor,
    pages: Pages,
    window: int | None,
    most: int = 1,
    *,
    out: Tensor | None = None,
    tuning: SplitTuning | None = None,
) -> Tensor:
    """See `model.ops.paged.attend_pages`; for rows of at most `most` tokens, DRAFT_TOKENS or fewer.

    A row without keys (length 0) gives zeros. The block of queries is chosen by
    `most`, 1 or more, so that rows do not depend on how long others are.
    """
    (tokens, heads, head_dim), rows = query.shape, len(pages.lengths)
    kv_heads, group = pool.shape[0] // 2, 2 * heads // pool.shape[0]
    most = 1 if most == 1 else DRAFT_TOKENS
    tuning = tuning or _tuning(query, most)
    if out is None:
        out = torch.empty((tokens, heads, head_dim), dtype=query.dtype, device=query.device)
    if not rows:
        return out
    # A row of several tokens reaches back as far as its first one sees.
    longest = pages.longest if window is None else min(pages.longest, window + most - 1)
    splits = max(1, triton.cdiv(longest, tuning.split))
    room = tokens * heads * splits if splits > 1 else 0
    parts = torch.empty((room, head_dim), dtype=torch.float32, device=query.device)
    logsums = torch.empty(room, dtype=torch.float32, device=query.device)
    same = {"HEAD_DIM": head_dim, "WINDOWED": window is not None, "SPLIT": tuning.split}
    _split_kernel[(kv_heads, rows, splits)](
        query, out, parts, logsums, begins, pages.lengths, pages.table, pool,
        head_dim**-0.5 * math.log2(math.e), window or 0,
        query.stride(0), pages.table.stride(0), pool.stride(0), splits,
        KV_HEADS=kv_heads,
        GROUP=group,
        PAGE=pages.page_size,
        ROWS=max(_LEAST_ROWS, triton.next_power_of_2(most * group)),
        BLOCK=keys_at_once(tuning.keys, query.dtype),
        num_warps=tuning.warps,
        num_stages=tuning.stages,
        **same,
    )  # fmt: skip
    if splits > 1:
        _combine_kernel[(heads, rows, most)](
            out, parts, logsums, begins, pages.lengths, window or 0, splits,
            HEADS=heads, BLOCK=_SPLITS_AT_ONCE, num_warps=4, **same,
        )  # fmt: skip
    return out
