"""silu(gate) * up, in the type of the projection or quantised to fp8 by rows."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.linear import FP8_MOST, LEAST_SCALE, Fp8Weight
from model.ops.triton.quantise import empty_fp8, store_quantised
from model.ops.triton.tuning import RowTuning, tuning_for


@triton.jit
def _activated(gate_up, inner, column, inside):
    """The product for some columns of a row, in fp32."""
    gate = tl.load(gate_up + column, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(gate_up + inner + column, mask=inside, other=0.0).to(tl.float32)
    return gate / (1.0 + tl.exp(-gate)) * up


@triton.jit
def _swiglu_kernel(gate_up, out, stride, inner, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < inner
    result = _activated(gate_up + row * stride, inner, column, inside)
    tl.store(out + row * inner + column, result.to(out.dtype.element_ty), mask=inside)


@triton.jit
def _swiglu_fp8_kernel(
    gate_up, values, scales, stride, inner,
    MOST: tl.constexpr, LEAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < inner
    result = _activated(gate_up + row * stride, inner, column, inside)
    store_quantised(result, values, scales, row, column, inside, inner, MOST, LEAST)


def swiglu(gate_up: Tensor, *, tuning: RowTuning | None = None) -> Tensor:
    """See `model.ops.reference.swiglu`, but rounded once; gate_up (rows, 2 * inner)."""
    rows, inner = gate_up.shape[0], gate_up.shape[1] // 2
    out = torch.empty((rows, inner), dtype=gate_up.dtype, device=gate_up.device)
    tuning = tuning or tuning_for(gate_up.device).swiglu
    if rows:
        _swiglu_kernel[(rows, triton.cdiv(inner, tuning.columns))](
            gate_up, out, gate_up.stride(0), inner, BLOCK=tuning.columns, num_warps=tuning.warps
        )
    return out


def swiglu_fp8(gate_up: Tensor, *, tuning: RowTuning | None = None) -> Fp8Weight:
    """`swiglu` quantised by rows, without rounding in between; gate_up (rows, 2 * inner)."""
    rows, inner = gate_up.shape[0], gate_up.shape[1] // 2
    result = empty_fp8(rows, inner, gate_up.device)
    if rows:
        _swiglu_fp8_kernel[(rows,)](
            gate_up, result.values, result.scales, gate_up.stride(0), inner,
            MOST=FP8_MOST,
            LEAST=LEAST_SCALE,
            BLOCK=triton.next_power_of_2(inner),
            num_warps=(tuning or tuning_for(gate_up.device).quantise).warps,
        )  # fmt: skip
    return result
