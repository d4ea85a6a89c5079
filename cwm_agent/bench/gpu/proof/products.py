"""Products with 8-bit weights: few rows by the weight-only kernel, more by torch in fp8."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from cwm_agent.bench.gpu.measure.bench import Bench
from cwm_agent.bench.gpu.proof.compare import Case, Check, near
from model.ops.linear import (
    Fp8Weight,
    Int8Weight,
    dequantise,
    quantise_fp8,
    quantise_int8,
    scaled_linear,
)

Quantise = Callable[[Tensor], Fp8Weight | Int8Weight]
_WEIGHT_SIZE = 0.02  # about that of a trained matrix


def gemv_fp8(bench: Bench) -> Iterator[Case]:
    """fp8 weights."""
    return _gemv(bench, "gemv_fp8", quantise_fp8)


def gemv_int8(bench: Bench) -> Iterator[Case]:
    """int8 weights."""
    return _gemv(bench, "gemv_int8", quantise_int8)


def _gemv(bench: Bench, kernel: str, quantise: Quantise) -> Iterator[Case]:
    """The three kinds of matrices of a layer, with 1, 5 and 16 rows."""
    config = bench.config
    merged = (config.heads + 2 * config.kv_heads) * config.head_dim
    shapes = (
        (1, config.hidden, merged),
        (5, config.intermediate, config.hidden),
        (16, config.hidden, 2 * config.intermediate),
    )
    for rows, width, outputs in shapes:
        shape = f"{rows} x {width} by {outputs}"
        yield Case(kernel, shape, partial(_weight_only, bench, quantise, rows, width, outputs))


def _weight_only(
    bench: Bench, quantise: Quantise, rows: int, width: int, outputs: int
) -> Iterator[Check]:
    from model.ops.triton.gemv import weight_only_linear

    x, weight = bench.random(rows, width), quantise(bench.random(outputs, width) * _WEIGHT_SIZE)
    exact = x.double() @ dequantise(weight).double().T
    yield near("product", weight_only_linear(x, weight), exact)


def scaled_mm(bench: Bench) -> Iterator[Case]:
    """torch's product of two fp8 matrices, scaled by rows."""
    width = bench.config.hidden
    for rows in (17, 300, bench.sizes.rows):
        shape = f"{rows} x {width} by {width}"
        yield Case("scaled_mm", shape, partial(_scaled, bench, rows, width))


def _scaled(bench: Bench, rows: int, width: int) -> Iterator[Check]:
    left = quantise_fp8(bench.random(rows, width))
    right = quantise_fp8(bench.random(width, width) * _WEIGHT_SIZE)
    exact = dequantise(left).double() @ dequantise(right).double().T
    yield near("product", scaled_linear(left, right, bench.dtype), exact)
