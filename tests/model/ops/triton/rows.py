"""Ragged batches over scattered pages, and what kernels are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.step.page_tables import Pages

# Rounding of a result of size 1: fp32 by the order of sums, fp16 by one rounding of inputs.
TOLERANCE = {torch.float32: 1e-5, torch.float16: 4e-3}
DTYPES = list(TOLERANCE)


def numbers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Normally distributed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_close(found: torch.Tensor, expected: torch.Tensor, scale: float = 1.0) -> None:
    """Equal up to the rounding of their type; NaN never passes."""
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    tolerance = TOLERANCE[found.dtype] * scale
    wrong = (found.float() - expected.float()).abs()
    assert (wrong <= tolerance * (1 + expected.float().abs())).all(), wrong.max()


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows as the attention kernels get them; all slots that no row uses hold NaN."""

    query: torch.Tensor
    begins: torch.Tensor
    pool: torch.Tensor
    pages: Pages


def ragged(
    rows: Sequence[tuple[int, int]],
    *,
    page_size: int = 4,
    heads: int = 6,
    kv_heads: int = 1,
    head_dim: int = 16,
    dtype: torch.dtype = torch.float32,
    spare: int = 0,
    seed: int = 0,
) -> Ragged:
    """`rows` are (length, new tokens); length 0 is a padding row. Pages lie in random order.

    `spare` is by how much the bound on the lengths is too high.
    """
    generator = torch.Generator().manual_seed(seed)
    counts = [-(-length // page_size) for length, _ in rows]
    order = torch.randperm(sum(counts) + 3, generator=generator)
    pool = torch.full((2 * kv_heads, len(order) * page_size, head_dim), torch.nan, dtype=dtype)
    table = torch.full((len(rows), max(*counts, 1)), 2**30, dtype=torch.int32)
    taken = 0
    for row, ((length, _), count) in enumerate(zip(rows, counts, strict=True)):
        own = order[taken : taken + count]
        taken += count
        table[row, :count] = own.int()
        place = torch.arange(length)
        slots = own[place // page_size] * page_size + place % page_size
        entries = torch.randn(2 * kv_heads, length, head_dim, generator=generator)
        pool[:, slots] = entries.to(dtype)
    tokens = [new for _, new in rows]
    begins = torch.tensor([sum(tokens[:i]) for i in range(len(rows) + 1)], dtype=torch.int32)
    query = torch.randn(sum(tokens), heads, head_dim, generator=generator).to(dtype)
    lengths = torch.tensor([length for length, _ in rows], dtype=torch.int32)
    longest = max(length for length, _ in rows) + spare
    return Ragged(query, begins, pool, Pages(table, lengths, page_size, longest))
