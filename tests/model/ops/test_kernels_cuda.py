"""Every kernel in bf16 on a GPU: relative error against fp64, with outputs poisoned before.

Uninitialised memory is filled with NaN, and so is every slot that no row uses:
what is not written, or read where nothing was written, shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor

from model.config.rope import inverse_frequencies, rotation
from model.config.shapes import CWM_32B
from model.ops import reference
from model.ops.linear import dequantise, quantise_fp8, quantise_int8
from model.ops.paged import attend_pages, rope_write
from model.step.page_tables import Pages
from model.step.sampler import GREEDY, Draw, Sampling, sample

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CUDA = torch.device("cuda")
BF16 = torch.bfloat16
PAGE = 16


@pytest.fixture(autouse=True)
def poisoned() -> Iterator[None]:
    """torch.empty gives NaN."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True  # type: ignore[attr-defined]
    yield
    torch.use_deterministic_algorithms(False)


def numbers(*shape: int) -> Tensor:
    return torch.randn(shape, device=CUDA).to(BF16)


def assert_near(found: Tensor, exact: Tensor, most: float = 1e-2) -> None:
    """Relative error in the norm; NaN is never below anything."""
    assert found.shape == exact.shape
    error = (found.double() - exact).norm() / exact.norm()
    assert float(error) < most


@pytest.mark.parametrize("rows", [1, 5, 4096])
def test_norms(rows: int) -> None:
    from model.ops.triton.norm import add_rms_norm, rms_norm

    x, delta, weight = numbers(rows, 6144), numbers(rows, 6144), numbers(6144)
    assert_near(rms_norm(x, weight, 1e-5), reference.rms_norm(x.double(), weight, 1e-5))
    total, normed = add_rms_norm(x, delta, weight, 1e-5)
    assert torch.equal(total, x + delta)
    assert_near(normed, reference.rms_norm(total.double(), weight, 1e-5))


@pytest.mark.parametrize("rows", [1, 17, 1000])
def test_swiglu(rows: int) -> None:
    from model.ops.triton.swiglu import swiglu, swiglu_fp8

    gate_up = numbers(rows, 2 * 21504)
    exact = reference.swiglu(gate_up.double())
    assert_near(swiglu(gate_up), exact)
    assert_near(dequantise(swiglu_fp8(gate_up)), exact, most=5e-2)


def test_rope_and_write() -> None:
    from model.ops.triton.rope_write import rope_write as kernel

    tokens, heads, kv_heads, width = 70, 48, 8, 128
    qkv = numbers(tokens, heads + 2 * kv_heads, width)
    pool = torch.full((2 * kv_heads, 200, width), torch.nan, dtype=BF16, device=CUDA)
    slots = torch.randperm(200, device=CUDA)[:tokens]
    positions = torch.randint(131_072, (tokens,), device=CUDA)
    cos, sin = rotation(inverse_frequencies(CWM_32B).to(CUDA), positions)
    exact_pool = pool.double()
    exact = rope_write(qkv.double(), cos.double(), sin.double(), exact_pool, slots)
    padded = slots.clone()
    padded[5] = -1  # a row that only fills the batch
    assert_near(kernel(qkv, cos, sin, pool, padded), exact)
    written = torch.ones(200, dtype=torch.bool, device=CUDA)
    written[slots] = False
    written[slots[5]] = True
    assert pool[:, written].isnan().all()
    assert_near(pool[:, ~written], exact_pool[:, ~written])


def paged(
    rows: Sequence[tuple[int, int]], kv_heads: int, width: int
) -> tuple[Tensor, Tensor, Tensor, Pages]:
    """query, begins, pool and pages of rows (length, new tokens); unused slots hold NaN."""
    counts = [-(-length // PAGE) for length, _ in rows]
    order = torch.randperm(sum(counts) + 5)
    pool = torch.full((2 * kv_heads, len(order) * PAGE, width), torch.nan, dtype=BF16, device=CUDA)
    table = torch.zeros((len(rows), max(*counts, 1)), dtype=torch.int32)
    at = 0
    for i, ((length, _), count) in enumerate(zip(rows, counts, strict=True)):
        table[i, :count] = order[at : at + count]
        at += count
        places = torch.arange(length)
        slots = (table[i, places // PAGE].long() * PAGE + places % PAGE).to(CUDA)
        pool[:, slots] = numbers(2 * kv_heads, length, width)
    begins = torch.tensor([0, *(new for _, new in rows)]).cumsum(0).to(torch.int32)
    query = numbers(int(begins[-1]), 6 * kv_heads, width)
    lengths = torch.tensor([length for length, _ in rows], dtype=torch.int32)
    pages = Pages(table.to(CUDA), lengths.to(CUDA), PAGE, max(length for length, _ in rows))
    return query, begins.to(CUDA), pool, pages


@pytest.mark.parametrize("window", [None, 1, 100, 1000])
@pytest.mark.parametrize(("kv_heads", "width"), [(8, 128), (2, 64)])
@pytest.mark.parametrize("kind", ["decode", "draft", "extend"])
def test_attention(kind: str, kv_heads: int, width: int, window: int | None) -> None:
    """Ragged lengths at page, window and split edges, and a row that only fills the batch."""
    from model.ops.triton.decode import attend_decode
    from model.ops.triton.extend import attend_extend

    lengths = (1, 15, 16, 17, 99, 100, 101, 511, 512, 513, 999, 1000, 1001, 5000)
    new = {"decode": 1, "draft": 9, "extend": 130}[kind]
    rows = [(length, min(new, length)) for length in lengths]
    if kind == "decode":
        rows.insert(3, (0, 1))
    query, begins, pool, pages = paged(rows, kv_heads, width)
    exact = attend_pages(query.double(), begins, pool.double(), pages, window)
    kernel = attend_extend if kind == "extend" else attend_decode
    assert_near(kernel(query, begins, pool, pages, window, new), exact)


@pytest.mark.parametrize("rows", [1, 16])
def test_eight_bit_products(rows: int) -> None:
    from model.ops.triton.gemv import weight_only_linear

    x, matrix = numbers(rows, 6144), numbers(8192, 6144) * 0.02
    for weight in (quantise_fp8(matrix), quantise_int8(matrix)):
        exact = x.double() @ dequantise(weight).double().T
        assert_near(weight_only_linear(x, weight), exact)


def test_scaled_products_and_quantised_rows() -> None:
    from model.ops.linear import scaled_linear
    from model.ops.triton.quantise import quantise_fp8 as kernel

    x, weight = numbers(300, 6144), quantise_fp8(numbers(2048, 6144) * 0.02)
    rows = kernel(x)
    assert_near(dequantise(rows), x.double(), most=4e-2)
    exact = dequantise(rows).double() @ dequantise(weight).double().T
    assert_near(scaled_linear(rows, weight, BF16), exact)


def test_sampling_on_the_device_is_that_of_the_host() -> None:
    """The same noise and filters. A sum rounded otherwise may move the border of two tokens."""
    from model.ops.triton.sample import sample_on_device

    ways = (
        GREEDY,
        Sampling(1.0, 0.95, seed=42),
        Sampling(0.7, 0.5, seed=2**40),
        Sampling(1.3, top_k=50, seed=4),
        Sampling(1.0, min_p=0.05, seed=5),
        Sampling(1.0, 0.9, top_k=20, min_p=0.01, seed=6),
        Sampling(2.0, seed=7),
    )
    logits = torch.randn((len(ways) * 4, 128_256), device=CUDA) * 4
    draws = [Draw(ways[i % len(ways)], i * 977, i * 31) for i in range(logits.shape[0])]
    found, expected = sample_on_device(logits, draws), sample(logits.cpu(), draws)
    greedy = [i for i, draw in enumerate(draws) if draw.params.greedy]
    assert [found[i] for i in greedy] == [expected[i] for i in greedy]
    assert sum(f != e for f, e in zip(found, expected, strict=True)) <= 2


def test_a_kernel_gives_a_row_the_same_bits_in_any_batch() -> None:
    from model.ops.triton.decode import attend_decode

    query, begins, pool, pages = paged([(700, 1), (33, 1), (5000, 1), (1200, 1)], 8, 128)
    together = attend_decode(query, begins, pool, pages, None, 1)
    for row in range(4):
        part = slice(row, row + 1)
        alone = Pages(pages.table[part], pages.lengths[part], PAGE, int(pages.lengths[row]))
        found = attend_decode(query[part], begins[:2], pool, alone, None, 1)
        assert torch.equal(found, together[part])
