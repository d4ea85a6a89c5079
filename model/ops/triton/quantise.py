"""Rows in fp8: each scaled so that its largest entry is the largest fp8 number."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.linear import FP8, FP8_MOST, LEAST_SCALE, Fp8Weight
from model.ops.triton.tuning import RowTuning, tuning_for


@triton.jit
def store_quantised(
    value, values, scales, row, column, inside, width, MOST: tl.constexpr, LEAST: tl.constexpr
):  # fmt: skip
    """Scale and store one row: value (BLOCK,) fp32, 0 where not `inside`."""
    largest = tl.max(tl.abs(value), axis=0)
    # A maximum skips NaN, which must not get lost.
    lost = tl.max((value != value).to(tl.int32), axis=0)
    scale = tl.maximum(largest / MOST, LEAST)
    scale = tl.where(lost > 0, float("nan"), scale)
    tl.store(scales + row, scale)
    scaled = tl.minimum(tl.maximum(value / scale, -MOST), MOST)
    tl.store(values + row * width + column, scaled.to(values.dtype.element_ty), mask=inside)


@triton.jit
def _quantise_kernel(
    x, values, scales, x_stride, width,
    MOST: tl.constexpr, LEAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < width
    value = tl.load(x + row * x_stride + column, mask=inside, other=0.0).to(tl.float32)
    store_quantised(value, values, scales, row, column, inside, width, MOST, LEAST)


def quantise_fp8(x: Tensor, *, tuning: RowTuning | None = None) -> Fp8Weight:
    """See `model.ops.linear.quantise_fp8`; x (rows, width)."""
    rows, width = x.shape
    result = empty_fp8(rows, width, x.device)
    if rows:
        _quantise_kernel[(rows,)](
            x, result.values, result.scales, x.stride(0), width,
            MOST=FP8_MOST,
            LEAST=LEAST_SCALE,
            BLOCK=triton.next_power_of_2(width),
            num_warps=(tuning or tuning_for(x.device).quantise).warps,
        )  # fmt: skip
    return result


def empty_fp8(rows: int, width: int, device: torch.device) -> Fp8Weight:
    """Room for a quantised matrix."""
    return Fp8Weight(
        torch.empty((rows, width), dtype=FP8, device=device),
        torch.empty((rows, 1), dtype=torch.float32, device=device),
    )
