"""The attention kernels over ragged rows at page, window and split edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.compare import Case, Check, near, same
from model.ops.paged import attend_pages
from model.step.page_tables import Pages

_LENGTHS = (1, 15, 16, 17, 99, 100, 101, 511, 512, 513, 999, 1000, 1001, 5000)
_SHORT = (1, 15, 16, 17, 31, 40)  # for the interpreter
_PADDING = (0, 1)  # a row that only fills the batch

Row = tuple[int, int]  # length, of which so many are new


def decode(bench: Bench) -> Iterator[Case]:
    """One token a row, without a window and with two; and the bits of rows alone."""
    rows = [(length, 1) for length in _lengths(bench)]
    rows.insert(3, _PADDING)
    for window in _windows(bench):
        yield _case(bench, "decode", rows, window, 1)
    yield Case("decode", "rows alone", partial(_alone, bench))


def verify(bench: Bench) -> Iterator[Case]:
    """Drafts of 1, 8 and 16 tokens after the last one."""
    for tokens, window in zip((2, 9, 17), _windows(bench), strict=True):
        rows = [(length, min(tokens, length)) for length in _lengths(bench)]
        yield _case(bench, "verify", rows, window, tokens)


def extend(bench: Bench) -> Iterator[Case]:
    """Prompt chunks after known tokens."""
    tokens = 130 if bench.device.type == "cuda" else 20
    for window in _windows(bench):
        rows = [(length, min(tokens, length)) for length in _lengths(bench)]
        yield _case(bench, "extend", rows, window, tokens)


def _case(bench: Bench, kernel: str, rows: list[Row], window: int | None, most: int) -> Case:
    shape = f"{len(rows)} rows of up to {rows[-1][0]} keys and {most} tokens, window {window}"
    return Case(kernel, shape, partial(_attend, bench, kernel, rows, window, most))


def _attend(
    bench: Bench, kernel: str, rows: list[Row], window: int | None, most: int
) -> Iterator[Check]:
    from model.ops.triton.decode import attend_decode
    from model.ops.triton.extend import attend_extend

    query, begins, pool, pages = paged(bench, rows)
    exact = attend_pages(query.double(), begins, pool.double(), pages, window)
    attend = attend_extend if kernel == "extend" else attend_decode
    yield near("mixed values", attend(query, begins, pool, pages, window, most), exact)


def _alone(bench: Bench) -> Iterator[Check]:
    """A row has the same bits whatever stands beside it."""
    from model.ops.triton.decode import attend_decode

    lengths = (700, 33, 5000, 1200) if bench.device.type == "cuda" else (40, 17)
    query, begins, pool, pages = paged(bench, [(length, 1) for length in lengths])
    together = attend_decode(query, begins, pool, pages, None, 1)
    for row, length in enumerate(lengths):
        part = slice(row, row + 1)
        alone = Pages(pages.table[part], pages.lengths[part], pages.page_size, length)
        found = attend_decode(query[part], begins[:2], pool, alone, None, 1)
        yield same(f"row {row} alone", torch.equal(found, together[part]))


def paged(bench: Bench, rows: Sequence[Row]) -> tuple[Tensor, Tensor, Tensor, Pages]:
    """query, begins, pool and pages of rows; pages in random order, unused slots hold NaN."""
    config, device, size = bench.config, bench.device, bench.sizes.page_size
    counts = [-(-length // size) for length, _ in rows]
    order = torch.randperm(sum(counts) + 5)
    pool = torch.full(
        (2 * config.kv_heads, len(order) * size, config.head_dim),
        torch.nan, dtype=bench.dtype, device=device,
    )  # fmt: skip
    table = torch.zeros((len(rows), max(*counts, 1)), dtype=torch.int32)
    at = 0
    for i, ((length, _), count) in enumerate(zip(rows, counts, strict=True)):
        table[i, :count] = order[at : at + count]
        at += count
        places = torch.arange(length)
        slots = (table[i, places // size].long() * size + places % size).to(device)
        pool[:, slots] = bench.random(2 * config.kv_heads, length, config.head_dim)
    begins = torch.tensor([0, *(new for _, new in rows)]).cumsum(0).to(torch.int32)
    query = bench.random(int(begins[-1]), config.heads, config.head_dim)
    lengths = torch.tensor([length for length, _ in rows], dtype=torch.int32)
    longest = max(length for length, _ in rows)
    return (
        query,
        begins.to(device),
        pool,
        Pages(table.to(device), lengths.to(device), size, longest),
    )


def _lengths(bench: Bench) -> tuple[int, ...]:
    return _LENGTHS if bench.device.type == "cuda" else _SHORT


def _windows(bench: Bench) -> tuple[int | None, ...]:
    return (None, 1000, 100) if bench.device.type == "cuda" else (None, 16, 1)
