"""Residual sum and RMSNorm of a row, read once and written once."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.triton.tuning import RowTuning, tuning_for


@triton.jit
def _norm_kernel(
    x, delta, weight, total, normed, x_stride, delta_stride, hidden, eps,
    ADD: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < hidden
    value = tl.load(x + row * x_stride + column, mask=inside, other=0.0).to(tl.float32)
    if ADD:
        more = tl.load(delta + row * delta_stride + column, mask=inside, other=0.0).to(tl.float32)
        # The sum is rounded before it is normed, so that it is the one that the next layer adds to.
        rounded = (value + more).to(total.dtype.element_ty)
        tl.store(total + row * hidden + column, rounded, mask=inside)
        value = rounded.to(tl.float32)
    scale = tl.rsqrt(tl.sum(value * value, axis=0) / hidden + eps)
    result = value * scale * tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    tl.store(normed + row * hidden + column, result.to(normed.dtype.element_ty), mask=inside)


def rms_norm(x: Tensor, weight: Tensor, eps: float, *, tuning: RowTuning | None = None) -> Tensor:
    """See `model.ops.reference.rms_norm`; x (rows, hidden), neighbours in a row side by side."""
    return _launch(x, None, weight, eps, tuning)[1]


def add_rms_norm(
    x: Tensor, delta: Tensor, weight: Tensor, eps: float, *, tuning: RowTuning | None = None
) -> tuple[Tensor, Tensor]:
    """See `model.ops.reference.add_rms_norm`; x, delta (rows, hidden)."""
    return _launch(x, delta, weight, eps, tuning)


def _launch(
    x: Tensor, delta: Tensor | None, weight: Tensor, eps: float, tuning: RowTuning | None
) -> tuple[Tensor, Tensor]:
    rows, hidden = x.shape
    normed = torch.empty((rows, hidden), dtype=x.dtype, device=x.device)
    total = x if delta is None else torch.empty_like(normed)
    more = x if delta is None else delta
    if rows:
        _norm_kernel[(rows,)](
            x, more, weight, total, normed, x.stride(0), more.stride(0), hidden, eps,
            ADD=delta is not None,
            BLOCK=triton.next_power_of_2(hidden),
            num_warps=(tuning or tuning_for(x.device).norm).warps,
        )  # fmt: skip
    return total, normed
