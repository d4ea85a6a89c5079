"""Multiplication by a weight matrix, whatever it is stored in.

Quantised kinds, each with its definition in plain torch beside it:

fp8   values in float8_e4m3fn, one scale for each output row; the input is
      quantised as well, one scale for each of its rows (W8A8, "rowwise").
int8  values in int8, one scale for each output row; the input stays (W8A16).

A row of the result depends on no other row of the input, so an answer does not
depend on what it was batched with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

FP8 = torch.float8_e4m3fn
FP8_MOST = 448.0  # largest number of float8_e4m3fn
INT8_MOST = 127.0  # -128 is not used, so that the range is symmetric
_PACK_MULTIPLE = 32  # torch's int8 kernel reads beyond the end of rows of other lengths
LEAST_SCALE = torch.finfo(torch.float32).tiny  # a row of zeros must not divide by zero


@dataclass(frozen=True, slots=True)
class Fp8Weight:
    """values (out, in) of float8_e4m3fn; scales (out, 1) of fp32: weight = values * scales."""

    values: Tensor
    scales: Tensor


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """values (out, in) of int8; scales (out, 1) of fp32, exact in bf16: weight = values * scales.

    The scales are rounded to bf16 before the values are computed with them, so
    that kernels which take bf16 scales lose nothing.
    """

    values: Tensor
    scales: Tensor


LinearWeight: TypeAlias = Tensor | Fp8Weight | Int8Weight


def linear(x: Tensor, weight: LinearWeight) -> Tensor:
    """x (tokens, in) times the transposed weight (out, in) -> (tokens, out) in the type of x."""
    if isinstance(weight, Tensor):
        if x.shape[0] == 1 and x.device.type == "cpu":
            return torch.mv(weight, x[0])[None]  # less overhead: half the time of a small product
        return functional.linear(x, weight)
    if isinstance(weight, Fp8Weight):
        return scaled_linear(quantise_fp8(x), weight, x.dtype)
    return _int8_linear(x, weight)


def linear_reference(x: Tensor, weight: LinearWeight) -> Tensor:
    """What `linear` has to compute, in fp32 and rounded once."""
    if isinstance(weight, Tensor):
        return (x.float() @ weight.float().T).to(x.dtype)
    inputs = x.float()
    if isinstance(weight, Fp8Weight):
        quantised = quantise_fp8(x)
        inputs = quantised.values.float() * quantised.scales
    return (inputs @ dequantise(weight).T).to(x.dtype)


def weight_only_reference(x: Tensor, weight: Fp8Weight | Int8Weight) -> Tensor:
    """x (tokens, in) as it is, times what an 8-bit weight stands for; in fp32, rounded once."""
    return (x.float() @ dequantise(weight).T).to(x.dtype)


def scaled_linear(inputs: Fp8Weight, weight: Fp8Weight, dtype: torch.dtype) -> Tensor:
    """inputs (tokens, in) and weight (out, in), both fp8 by rows -> (tokens, out) in `dtype`.

    CUDA needs compute capability 8.9 and widths that are multiples of 16, which
    `model.checkpoint.quantize` checks when the weights are made.
    """
    # On CUDA, row scales exist for bf16 results only.
    result = torch._scaled_mm(
        inputs.values,
        weight.values.t(),
        scale_a=inputs.scales,
        scale_b=weight.scales.t(),
        out_dtype=torch.bfloat16 if inputs.values.is_cuda else torch.float32,
    )
    return result.to(dtype)


def quantise_fp8(matrix: Tensor) -> Fp8Weight:
    """Scale each row so that its largest entry is 448, and round to float8_e4m3fn.

    What is not finite stays so: such a row has a scale that is not finite.
    """
    scales = _row_scales(matrix, FP8_MOST)
    return Fp8Weight((matrix.float() / scales).clamp(-FP8_MOST, FP8_MOST).to(FP8), scales)


def quantise_int8(matrix: Tensor) -> Int8Weight:
    """Scale each row so that its largest entry is 127, and round to the nearest int8."""
    scales = _row_scales(matrix, INT8_MOST).to(torch.bfloat16).float()
    values = (matrix.float() / scales).round().clamp(-INT8_MOST, INT8_MOST)
    return Int8Weight(values.to(torch.int8), scales)


def dequantise(weight: Fp8Weight | Int8Weight) -> Tensor:
    """The matrix that a quantised weight stands for, (out, in) in fp32."""
    return weight.values.float() * weight.scales


def _row_scales(matrix: Tensor, most: float) -> Tensor:
    """Largest magnitude of each row over `most`, (rows, 1) in fp32."""
    return (matrix.abs().amax(dim=1, keepdim=True).float() / most).clamp_min(LEAST_SCALE)


def _int8_linear(x: Tensor, weight: Int8Weight) -> Tensor:
    packed = x.shape[1] % _PACK_MULTIPLE == 0 and weight.values.is_contiguous()
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and packed:
        # The one case where this kernel is fast: 4x a bf16 product for one token.
        return torch._weight_int8pack_mm(x, weight.values, weight.scales[:, 0].to(x.dtype))
    inner = torch.float32 if x.dtype == torch.float16 else x.dtype  # sums leave fp16's range
    product = functional.linear(x.to(inner), weight.values.to(inner))
    return (product * weight.scales[:, 0]).to(x.dtype)
