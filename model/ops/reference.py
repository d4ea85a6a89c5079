"""The operations of the transformer in plain torch: the definition of right.

Every operation computes in fp32 and rounds once to the type of its input, as
the training code did. (transformers rounds more often in bf16; in fp32 both
agree to about 1e-5.)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def wide(x: Tensor) -> Tensor:
    """fp32 for the narrower types; fp64 stays (tests compare schedules in it)."""
    return x if x.dtype == torch.float64 else x.float()


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Divide each row by its root mean square and scale it.

    x (..., hidden), weight (hidden,) -> (..., hidden) in the type of x.
    Source: arXiv 1910.07467.
    """
    inner = wide(x)
    # The mean square by way of the norm: one pass over the row instead of two.
    norm: Tensor = torch.linalg.vector_norm(inner, dim=-1, keepdim=True)
    scale = (norm * norm / x.shape[-1] + eps).rsqrt()
    return (inner * scale * weight.to(inner.dtype)).to(x.dtype)


def add_rms_norm(x: Tensor, delta: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The sum x + delta (..., hidden), rounded to the type of x, and its RMSNorm.

    `delta` may be wider, as a sum over ranks in fp32 is: then all is rounded once.
    """
    total = (x + delta).to(x.dtype)
    return total, rms_norm(total, weight, eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply RoPE in Hugging Face order: entry i is paired with entry i + head_dim / 2.

    x (tokens, heads, head_dim); cos, sin (tokens, 1, head_dim) in fp32 as
    `model.config.rope.rotation` makes them: sin has its first half negated, so that
    the partner of each entry is found by rolling the head by half.
    """
    inner = wide(x)
    partner = inner.roll(x.shape[-1] // 2, dims=-1)
    return torch.addcmul(inner * cos, partner, sin).to(x.dtype)


def attention_mask(queries: int, keys: int, window: int | None, like: Tensor) -> Tensor:
    """0 where a query may see a key, minus infinity elsewhere: (queries, keys), type of `like`.

    The last query stands at the position of the last key. A query at position
    q sees keys k with q - window < k <= q.
    """
    mask = like.new_zeros(queries, keys)
    before = keys - queries
    # Only the newest keys can lie in the future: a long past costs no more than its zeros.
    mask[:, before:] = like.new_full((queries, queries), -torch.inf).triu_(1)
    if window is not None and before + queries > window:
        mask += like.new_full((queries, keys), -torch.inf).tril_(before - window)
    return mask


def attend(query: Tensor, keys: Tensor, values: Tensor, window: int | None) -> Tensor:
    """Grouped-query attention of the newest tokens over all given keys.

    query (tokens, heads, head_dim); keys, values (kv_heads, length, head_dim),
    ending at the last query's position and reaching back at least to the first
    key that the first query sees. Returns (tokens, heads, head_dim).
    Scores are scaled by head_dim ** -0.5.
    """
    tokens, heads, head_dim = query.shape
    kv_heads, length, _ = keys.shape
    group = heads // kv_heads
    # The queries of a group become rows of one head, so that its keys are read once, not copied:
    # (1, kv_heads, group * tokens, head_dim).
    rows = query.view(tokens, kv_heads, group, head_dim).permute(1, 2, 0, 3).flatten(1, 2)[None]
    sees_all = tokens == 1 and (window is None or length <= window)
    mask = None if sees_all else attention_mask(tokens, length, window, query).repeat(group, 1)
    mixed = functional.scaled_dot_product_attention(rows, keys[None], values[None], attn_mask=mask)
    split = mixed.view(kv_heads, group, tokens, head_dim)
    return split.permute(2, 0, 1, 3).reshape(tokens, heads, head_dim)


def attend_decode(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Grouped-query attention of one new token for each of several sequences.

    query (rows, heads, head_dim); keys, values (kv_heads, rows * longest,
    head_dim), the keys that each row sees, padded; mask (1, rows, 1, longest)
    marks the real ones, None when all are. Returns (rows, heads, head_dim).
    """
    rows, heads, head_dim = query.shape
    kv_heads = keys.shape[0]
    shape = (kv_heads, rows, keys.shape[1] // rows, head_dim)
    mixed = functional.scaled_dot_product_attention(
        query.view(rows, kv_heads, heads // kv_heads, head_dim).transpose(0, 1),
        keys.view(shape),
        values.view(shape),
        attn_mask=mask,
    )
    return mixed.transpose(0, 1).reshape(rows, heads, head_dim)


def swiglu(gate_and_up: Tensor) -> Tensor:
    """silu(gate) * up for a merged projection (tokens, 2 * intermediate), gate first.

    The activation is rounded before the product, as in both reference
    implementations. Source: arXiv 2002.05202.
    """
    gate, up = gate_and_up.chunk(2, dim=-1)
    return functional.silu(gate) * up
