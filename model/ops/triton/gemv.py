"""Few rows times an 8-bit weight: the weight is read once in 8 bits, the rows stay as they are."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.linear import Fp8Weight, Int8Weight
from model.ops.triton.tuning import TileTuning, tuning_for

_ROWS = 16  # of a matrix product on the GPU; one block of rows


@triton.jit
def _gemv_kernel(
    x, values, scales, out, rows, width, outputs, x_stride, values_stride,
    ROWS: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
):  # fmt: skip
    line = tl.arange(0, ROWS)[:, None]
    output = tl.program_id(0) * OUTPUTS + tl.arange(0, OUTPUTS)
    weights = values + output.to(tl.int64)[:, None] * values_stride
    total = tl.zeros([ROWS, OUTPUTS], tl.float32)
    for at in range(0, width, INPUTS):
        entry = (at + tl.arange(0, INPUTS))[None, :]
        inside = entry < width
        some = tl.load(x + line * x_stride + entry, mask=(line < rows) & inside, other=0.0)
        mask = (output < outputs)[:, None] & inside
        # Both 8-bit kinds fit any 16-bit kind exactly, so nothing is rounded here.
        weight = tl.load(weights + entry, mask=mask, other=0.0).to(some.dtype)
        total = tl.dot(some, tl.trans(weight), total, input_precision="ieee")
    scale = tl.load(scales + output, mask=output < outputs, other=0.0)
    result = (total * scale[None, :]).to(out.dtype.element_ty)
    target = out + line * outputs + output[None, :]
    tl.store(target, result, mask=(line < rows) & (output < outputs)[None, :])


def weight_only_linear(
    x: Tensor, weight: Fp8Weight | Int8Weight, tuning: TileTuning | None = None
) -> Tensor:
    """See `model.ops.linear.weight_only_reference`; x (rows <= 16, in) -> (rows, out)."""
    rows, width = x.shape
    outputs = weight.values.shape[0]
    tuning = tuning or tuning_for(x.device).gemv
    out = torch.empty((rows, outputs), dtype=x.dtype, device=x.device)
    if rows:
        _gemv_kernel[(triton.cdiv(outputs, tuning.rows),)](
            x, weight.values, weight.scales, out, rows, width, outputs,
            x.stride(0), weight.values.stride(0),
            ROWS=_ROWS,
            OUTPUTS=tuning.rows,
            INPUTS=tuning.columns,
            num_warps=tuning.warps,
            num_stages=tuning.stages,
        )  # fmt: skip
    return out
