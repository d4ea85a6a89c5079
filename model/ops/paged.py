"""Attention over pages in plain torch: what the kernels beside it have to compute."""

from __future__ import annotations

import torch
from torch import Tensor

from model.ops.reference import attend, rotate
from model.step.page_tables import Pages


def rope_write(qkv: Tensor, cos: Tensor, sin: Tensor, pool: Tensor, slots: Tensor) -> Tensor:
    """Turn the queries and keys of a merged projection; write keys and values to their slots.

    qkv (tokens, heads + 2 * kv_heads, head_dim): queries, keys, values, which
    may be overwritten; cos, sin as in `reference.rotate`; pool (2 * kv_heads,
    slots, head_dim), one layer of `model.kvcache.storage.KVStorage`; slots (tokens,).
    Returns the queries (tokens, heads, head_dim).
    """
    kv_heads = pool.shape[0] // 2
    heads = qkv.shape[1] - 2 * kv_heads
    # Values are not turned, but written beside the keys: rotate the rest in place.
    turned = qkv[:, : heads + kv_heads]
    turned.copy_(rotate(turned, cos, sin))
    pool.index_copy_(1, slots, qkv[:, heads:].transpose(0, 1))
    return qkv[:, :heads]


def attend_pages(
    query: Tensor, begins: Tensor, pool: Tensor, pages: Pages, window: int | None
) -> Tensor:
    """Grouped-query attention of the newest tokens of several rows, each over its own pages.

    query (tokens, heads, head_dim), row i being begins[i]..begins[i+1]-1; pool
    as in `rope_write`, with the rows' own keys and values written; window as
    in `reference.attention_mask`. Returns (tokens, heads, head_dim), zeros for
    rows of length 0.
    """
    kv_heads = pool.shape[0] // 2
    out = torch.zeros_like(query)
    bounds = begins.tolist()
    for row, length in enumerate(pages.lengths.tolist()):
        if not length:
            continue
        begin, end = bounds[row], bounds[row + 1]
        oldest = 0 if window is None else max(0, length - (end - begin) - window + 1)
        place = torch.arange(oldest, length, device=query.device)
        page = pages.table[row].long()[place // pages.page_size]
        found = pool[:, page * pages.page_size + place % pages.page_size]
        out[begin:end] = attend(query[begin:end], found[:kv_heads], found[kv_heads:], window)
    return out
