"""Kernels that work on rows: norms, rope with the page write, SwiGLU, rows in fp8."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.compare import Case, Check, near, same
from model.config.rope import inverse_frequencies, rotation
from model.ops import reference
from model.ops.linear import dequantise
from model.ops.operations import PagedReference

_FP8_ERROR = 5e-2  # three bits of fraction
_INTERPRETED_ERROR = 0.2  # the interpreter forgets a carry when it rounds to fp8
_PADDING = 5  # the row that only fills the batch


def norm(bench: Bench) -> Iterator[Case]:
    """Alone and with the residual."""
    for rows in _row_counts(bench):
        yield Case("norm", f"{rows} x {bench.config.hidden}", partial(_norm, bench, rows))


def _norm(bench: Bench, rows: int) -> Iterator[Check]:
    from model.ops.triton.norm import add_rms_norm, rms_norm

    width, eps = bench.config.hidden, bench.config.norm_eps
    x, delta, weight = bench.random(rows, width), bench.random(rows, width), bench.random(width)
    yield near("norm", rms_norm(x, weight, eps), reference.rms_norm(x.double(), weight, eps))
    total, normed = add_rms_norm(x, delta, weight, eps)
    yield same("sum", torch.equal(total, x + delta))
    yield near("norm of sum", normed, reference.rms_norm(total.double(), weight, eps))


def rope_write(bench: Bench) -> Iterator[Case]:
    """Queries, and the slots of the pool: those written, and those not."""
    for tokens in _row_counts(bench):
        yield Case("rope_write", f"{tokens} tokens", partial(_rope_write, bench, tokens))


def _rope_write(bench: Bench, tokens: int) -> Iterator[Check]:
    from model.ops.triton.rope_write import rope_write as kernel

    config, device = bench.config, bench.device
    qkv = bench.random(tokens, config.heads + 2 * config.kv_heads, config.head_dim)
    held = 2 * tokens + 16
    pool = torch.full(
        (2 * config.kv_heads, held, config.head_dim), torch.nan, dtype=bench.dtype, device=device
    )
    slots = torch.randperm(held, device=device)[:tokens]
    if tokens > _PADDING:
        slots[_PADDING] = -1
    positions = torch.randint(config.context, (tokens,), device=device)
    cos, sin = rotation(inverse_frequencies(config).to(device), positions)
    exact_pool = pool.double()
    wide = qkv.double()
    exact = PagedReference().rope_write(wide, cos.double(), sin.double(), exact_pool, slots)
    yield near("queries", kernel(qkv, cos, sin, pool, slots), exact)
    written = torch.zeros(held, dtype=torch.bool, device=device)
    written[slots[slots >= 0]] = True
    yield near("pages", pool[:, written], exact_pool[:, written])
    yield same("slots of others", bool(pool[:, ~written].isnan().all()))


def swiglu(bench: Bench) -> Iterator[Case]:
    """silu(gate) * up."""
    for rows in _row_counts(bench):
        shape = f"{rows} x {bench.config.intermediate}"
        yield Case("swiglu", shape, partial(_swiglu, bench, rows))


def _swiglu(bench: Bench, rows: int) -> Iterator[Check]:
    from model.ops.triton.swiglu import swiglu as kernel

    gate_up = bench.random(rows, 2 * bench.config.intermediate)
    yield near("product", kernel(gate_up), reference.swiglu(gate_up.double()))


def quantise(bench: Bench) -> Iterator[Case]:
    """Rows in fp8, and SwiGLU straight into them."""
    for rows in _row_counts(bench):
        yield Case("quantise", f"{rows} rows", partial(_quantise, bench, rows))


def _quantise(bench: Bench, rows: int) -> Iterator[Check]:
    from model.ops.triton.quantise import quantise_fp8
    from model.ops.triton.swiglu import swiglu_fp8

    most = _FP8_ERROR if bench.device.type == "cuda" else _INTERPRETED_ERROR
    x, gate_up = bench.random(rows, bench.config.hidden), _gate_up(bench, rows)
    yield near("rows", dequantise(quantise_fp8(x)), x, most)
    exact = reference.swiglu(gate_up.double())
    yield near("swiglu", dequantise(swiglu_fp8(gate_up)), exact, most)


def _gate_up(bench: Bench, rows: int) -> torch.Tensor:
    return bench.random(rows, 2 * bench.config.intermediate)


def _row_counts(bench: Bench) -> tuple[int, ...]:
    return (1, 17, bench.sizes.rows)
