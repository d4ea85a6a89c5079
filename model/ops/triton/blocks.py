"""The inner loop that both attention kernels share: some queries over a run of paged keys."""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_LEAST_KEYS = 16  # of a matrix product on the GPU


@triton.jit
def attend_keys(
    query, mixed, peak, total, position, first, end, keys, values, table, scale, window,
    HEAD_DIM: tl.constexpr, PAGE: tl.constexpr, BLOCK: tl.constexpr,
    MASKED: tl.constexpr, WINDOWED: tl.constexpr,
):  # fmt: skip
    """Softmax of queries over keys first..end-1, going on from (mixed, peak, total).

    query (M, HEAD_DIM); mixed (M, HEAD_DIM), peak and total (M,) in fp32;
    position (M,) of each query; `keys` and `values` point at one head of the
    pool, `table` at the pages of one row. `scale` includes log2(e). Without
    MASKED every query must see all of these keys, which are whole blocks.
    """
    entry = tl.arange(0, HEAD_DIM)
    for at in range(first, end, BLOCK):
        key = at + tl.arange(0, BLOCK)
        if MASKED:
            # What lies behind the end may never have been written: it must not be read, since
            # 0 times NaN is NaN.
            real = key < end
            page = tl.load(table + key // PAGE, mask=real, other=0)
        else:
            page = tl.load(table + key // PAGE)
        place = (page.to(tl.int64) * PAGE + key % PAGE) * HEAD_DIM
        if MASKED:
            k = tl.load(keys + place[None, :] + entry[:, None], mask=real[None, :], other=0.0)
            v = tl.load(values + place[:, None] + entry[None, :], mask=real[:, None], other=0.0)
        else:
            k = tl.load(keys + place[None, :] + entry[:, None])
            v = tl.load(values + place[:, None] + entry[None, :])
        score = tl.dot(query, k, input_precision="ieee")
        if MASKED:
            seen = real[None, :] & (key[None, :] <= position[:, None])
            if WINDOWED:
                seen = seen & (key[None, :] > position[:, None] - window)
            score = tl.where(seen, score, float("-inf"))
        # Scores are scaled on the way into the exponential, which costs no instruction of its own.
        higher = tl.maximum(peak, tl.max(score, axis=1) * scale)
        # A query that has seen nothing yet keeps a peak of minus infinity; do not subtract that.
        base = tl.where(higher == float("-inf"), 0.0, higher)
        share = tl.exp2(score * scale - base[:, None])
        fade = tl.exp2(peak - base)
        total = total * fade + tl.sum(share, axis=1)
        mixed = tl.dot(share.to(v.dtype), v, mixed * fade[:, None], input_precision="ieee")
        peak = higher
    return mixed, peak, total


def keys_at_once(keys: int, dtype: torch.dtype) -> int:
    """Tuned figures are for 16-bit formats; with wider ones as many keys do not fit."""
    return max(_LEAST_KEYS, keys * 2 // dtype.itemsize)
