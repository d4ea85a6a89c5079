"""Extend attention: prompt chunks over the pages before them and their own keys.

All keys lie in pages already, the new ones too, so known and new keys are one
run. A program takes a block of (token, head of a group) pairs: the heads of a
group share their keys, and the diagonal costs fewer masked products.
"""

from __future__ import annotations

import math

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.triton.blocks import attend_keys, keys_at_once
from model.ops.triton.tuning import TileTuning, tuning_for
from model.step.page_tables import Pages


@triton.jit
def _bounds(earliest, latest, window, BLOCK: tl.constexpr, WINDOWED: tl.constexpr):
    """Where the keys of queries at positions earliest..latest begin, and which need no mask.

    Keys from `oldest` on are seen by some query; from `inner` on the window cuts
    none off; from `outer` on some query does not see them yet. The last two
    are whole blocks after `oldest`, or the end.
    """
    oldest = earliest * 0
    inner = oldest
    if WINDOWED:
        oldest = tl.maximum(earliest - window + 1, 0)
        cut = tl.maximum(latest - window + 1 - oldest, 0)
        inner = tl.minimum(oldest + tl.cdiv(cut, BLOCK) * BLOCK, latest + 1)
    outer = tl.maximum(oldest + (earliest + 1 - oldest) // BLOCK * BLOCK, inner)
    return oldest, inner, outer


@triton.jit
def _extend_kernel(
    query, out, begins, lengths, table, pool, scale, window,
    query_stride, table_stride, pool_stride,
    KV_HEADS: tl.constexpr, GROUP: tl.constexpr, HEAD_DIM: tl.constexpr, PAGE: tl.constexpr,
    WINDOWED: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    # The last blocks see most keys: they begin first, so that no long one is left for the end.
    tile = tl.num_programs(0) - 1 - tl.program_id(0)
    head = tl.program_id(1)
    row = tl.program_id(2)
    begin = tl.load(begins + row)
    tokens = tl.load(begins + row + 1) - begin
    length = tl.load(lengths + row)
    line = tile * ROWS + tl.arange(0, ROWS)
    if tile * ROWS >= tokens * GROUP:
        return
    token, member = line // GROUP, line % GROUP
    entry = tl.arange(0, HEAD_DIM)
    real = line < tokens * GROUP
    place = (begin + token).to(tl.int64)
    source = query + place * query_stride + (head * GROUP + member) * HEAD_DIM
    q = tl.load(source[:, None] + entry[None, :], mask=real[:, None], other=0.0)
    start = length - tokens
    position = start + token
    earliest = start + tile * ROWS // GROUP
    latest = start + tl.minimum((tile * ROWS + ROWS - 1) // GROUP, tokens - 1)
    oldest, inner, outer = _bounds(earliest, latest, window, BLOCK, WINDOWED)

    keys = pool + head.to(tl.int64) * pool_stride
    values = keys + KV_HEADS * pool_stride.to(tl.int64)
    pages = table + row.to(tl.int64) * table_stride
    mixed = tl.zeros([ROWS, HEAD_DIM], tl.float32)
    peak = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    if WINDOWED:
        mixed, peak, total = attend_keys(
            q, mixed, peak, total, position, oldest, inner, keys, values, pages, scale, window,
            HEAD_DIM, PAGE, BLOCK, True, True,
        )  # fmt: skip
    mixed, peak, total = attend_keys(
        q, mixed, peak, total, position, inner, outer, keys, values, pages, scale, window,
        HEAD_DIM, PAGE, BLOCK, False, False,
    )  # fmt: skip
    mixed, peak, total = attend_keys(
        q, mixed, peak, total, position, outer, latest + 1, keys, values, pages, scale, window,
        HEAD_DIM, PAGE, BLOCK, True, WINDOWED,
    )  # fmt: skip
    mixed = mixed / tl.where(total > 0, total, 1.0)[:, None]
    target = out + place * (KV_HEADS * GROUP * HEAD_DIM) + (head * GROUP + member) * HEAD_DIM
    tl.store(target[:, None] + entry[None, :], mixed.to(out.dtype.element_ty), mask=real[:, None])


def attend_extend(
    query: Tensor,
    begins: Tensor,
    pool: Tensor,
    pages: Pages,
    window: int | None,
    most: int,
    *,
    out: Tensor | None = None,
    tuning: TileTuning | None = None,
) -> Tensor:
    """See `model.ops.paged.attend_pages`; no row has more than `most` tokens."""
    tokens, heads, head_dim = query.shape
    kv_heads, rows = pool.shape[0] // 2, pages.lengths.shape[0]
    group = heads // kv_heads
    tuning = tuning or tuning_for(query.device).extend
    if out is None:
        out = torch.empty((tokens, heads, head_dim), dtype=query.dtype, device=query.device)
    if not rows:
        return out
    _extend_kernel[(triton.cdiv(most * group, tuning.queries), kv_heads, rows)](
        query, out, begins, pages.lengths, pages.table, pool,
        head_dim**-0.5 * math.log2(math.e), window or 0,
        query.stride(0), pages.table.stride(0), pool.stride(0),
        KV_HEADS=kv_heads,
        GROUP=group,
        HEAD_DIM=head_dim,
        PAGE=pages.page_size,
        WINDOWED=window is not None,
        ROWS=tuning.queries,
        BLOCK=keys_at_once(tuning.keys, query.dtype),
        num_warps=tuning.warps,
        num_stages=tuning.stages,
    )  # fmt: skip
    return out
