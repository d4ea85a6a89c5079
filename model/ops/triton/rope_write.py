"""Split a merged projection, turn queries and keys, put keys and values into their pages."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.triton.tuning import RowTuning, tuning_for


@triton.jit
def _rope_write_kernel(
    qkv, cos, sin, query, pool, slots, qkv_stride, pool_stride,
    HEADS: tl.constexpr, KV_HEADS: tl.constexpr, HEAD_DIM: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = (tl.program_id(1) * BLOCK + tl.arange(0, BLOCK))[:, None]
    entry = tl.arange(0, HEAD_DIM)[None, :]
    partner = (entry + HEAD_DIM // 2) % HEAD_DIM
    inside = head < HEADS + 2 * KV_HEADS
    source = qkv + token * qkv_stride + head * HEAD_DIM
    value = tl.load(source + entry, mask=inside, other=0.0)
    turned = head < HEADS + KV_HEADS
    other = tl.load(source + partner, mask=turned, other=0.0).to(tl.float32)
    angle = token * HEAD_DIM + entry
    result = value.to(tl.float32) * tl.load(cos + angle) + other * tl.load(sin + angle)
    result = tl.where(turned, result.to(value.dtype), value)
    target = query + (token * HEADS + head) * HEAD_DIM + entry
    tl.store(target, result, mask=head < HEADS)
    slot = tl.load(slots + token)
    if slot >= 0:
        # Keys and values follow each other in the projection as they do in the pool.
        place = pool + (head - HEADS).to(tl.int64) * pool_stride + slot * HEAD_DIM + entry
        tl.store(place, result, mask=inside & (head >= HEADS))


def rope_write(
    qkv: Tensor,
    cos: Tensor,
    sin: Tensor,
    pool: Tensor,
    slots: Tensor,
    *,
    tuning: RowTuning | None = None,
) -> Tensor:
    """See `model.ops.paged.rope_write`; a token with slot -1 is not written."""
    tokens, merged, head_dim = qkv.shape
    kv_heads = pool.shape[0] // 2
    heads = merged - 2 * kv_heads
    query = torch.empty((tokens, heads, head_dim), dtype=qkv.dtype, device=qkv.device)
    tuning = tuning or tuning_for(qkv.device).rope_write
    if tokens:
        _rope_write_kernel[(tokens, triton.cdiv(merged, tuning.columns))](
            qkv, cos, sin, query, pool, slots, qkv.stride(0), pool.stride(0),
            HEADS=heads,
            KV_HEADS=kv_heads,
            HEAD_DIM=head_dim,
            BLOCK=tuning.columns,
            num_warps=tuning.warps,
        )  # fmt: skip
    return query
