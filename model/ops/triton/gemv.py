"""Few rows times an 8-bit weight: the weight is read once in 8 bits, the rows stay as they are."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from model.ops.linear import Fp8Weight, Int8Weight
from model.ops.triton.tuning import GemvTuning, tuning_for

_ROWS = 16  # of a matrix product on the GPU; one block of rows
_SUM_BLOCK = 512


# Four numbers at once, three instructions for each two. Their bytes go to the upper halves of 16
# bits; exponent and fraction four places down, beside the sign; times 2 ** 120 (0x7b80) in bf16.
PACKED_FP8_TO_BF16 = """
{
.reg .b32 pair, sign, rest, most, zero;
mov.b32 most, 0x7b807b80;
mov.b32 zero, 0x80008000;
prmt.b32 pair, $2, 0, 0x1404;
and.b32 sign, pair, 0x80008000;
shr.b32 rest, pair, 4;
and.b32 rest, rest, 0x07f007f0;
or.b32 rest, rest, sign;
fma.rn.bf16x2 $0, rest, most, zero;
prmt.b32 pair, $2, 0, 0x3424;
and.b32 sign, pair, 0x80008000;
shr.b32 rest, pair, 4;
and.b32 rest, rest, 0x07f007f0;
or.b32 rest, rest, sign;
fma.rn.bf16x2 $1, rest, most, zero;
}
"""


_PACKED_FP8 = tl.constexpr(PACKED_FP8_TO_BF16)


@triton.jit
def _widened(stored, FP8_BITS: tl.constexpr, PACKED: tl.constexpr):
    """What an 8-bit number stands for, in a wider format that holds it exactly.

    float8_e4m3fn is moved by hand, since the GPU's conversion to bf16 is slower than the memory:
    sign, exponent and fraction go to their places in the wider format, and the difference of the
    exponents' offsets, 127 - 7, is multiplied away. That is right for its subnormals too. (Its NaN
    becomes 480, but a row with NaN has a scale of NaN.) `PACKED` gives bf16, else it is fp32.
    """
    if PACKED:
        stored = tl.inline_asm_elementwise(
            _PACKED_FP8, "=r,=r,r", [stored], dtype=tl.bfloat16, is_pure=True, pack=4
        )
    elif FP8_BITS:
        # Shifted by 20, a sign-extended byte has its sign in bit 31 and the rest in bits 26 to 20.
        bits = (stored.to(tl.int32) << 20) & -0x78100000
        stored = bits.to(tl.float32, bitcast=True) * 1.329227995784916e36  # 2 ** 120
    return stored


@triton.jit
def _gemv_kernel(
    x, values, scales, out, parts, rows, width, outputs, x_stride, values_stride, share,
    FP8_BITS: tl.constexpr, PACKED: tl.constexpr, SPLIT: tl.constexpr,
    ROWS: tl.constexpr, OUTPUTS: tl.constexpr, INPUTS: tl.constexpr,
):  # fmt: skip
    line = tl.arange(0, ROWS)[:, None]
    output = tl.program_id(0) * OUTPUTS + tl.arange(0, OUTPUTS)
    split = tl.program_id(1)
    weights = values + output.to(tl.int64)[:, None] * values_stride
    total = tl.zeros([ROWS, OUTPUTS], tl.float32)
    first = split * share
    for at in range(first, tl.minimum(first + share, width), INPUTS):
        entry = (at + tl.arange(0, INPUTS))[None, :]
        inside = entry < width
        some = tl.load(x + line * x_stride + entry, mask=(line < rows) & inside, other=0.0)
        mask = (output < outputs)[:, None] & inside
        stored = tl.load(weights + entry, mask=mask, other=0)
        # Both 8-bit kinds fit any 16-bit kind exactly, so nothing is rounded here.
        weight = _widened(stored, FP8_BITS, PACKED).to(some.dtype)
        total = tl.dot(some, tl.trans(weight), total, input_precision="ieee")
    place = line * outputs + output[None, :]
    mask = (line < rows) & (output < outputs)[None, :]
    if SPLIT:
        tl.store(parts + split * rows * outputs + place, total, mask=mask)
    else:
        scale = tl.load(scales + output, mask=output < outputs, other=0.0)
        tl.store(out + place, (total * scale[None, :]).to(out.dtype.element_ty), mask=mask)


@triton.jit
def _sum_kernel(parts, scales, out, outputs, splits, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    rows = tl.num_programs(0)
    output = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = output < outputs
    total = tl.zeros([BLOCK], tl.float32)
    for split in range(splits):
        total += tl.load(parts + (split * rows + row) * outputs + output, mask=inside, other=0.0)
    scale = tl.load(scales + output, mask=inside, other=0.0)
    tl.store(out + row * outputs + output, (total * scale).to(out.dtype.element_ty), mask=inside)


def weight_only_linear(
    x: Tensor, weight: Fp8Weight | Int8Weight, tuning: GemvTuning | None = None
) -> Tensor:
    """See `model.ops.linear.weight_only_reference`; x (rows <= 16, in) -> (rows, out).

    A narrow matrix does not fill the GPU by its outputs alone: then the inputs
    are split as well. How depends on the shape of the weight, never on the rows.
    """
    rows, width = x.shape
    outputs = weight.values.shape[0]
    tuning = tuning or tuning_for(x.device).gemv
    out = torch.empty((rows, outputs), dtype=x.dtype, device=x.device)
    if not rows:
        return out
    blocks, steps = triton.cdiv(outputs, tuning.outputs), triton.cdiv(width, tuning.inputs)
    wanted = min(triton.cdiv(tuning.programs, blocks), steps)
    share = triton.cdiv(steps, wanted) * tuning.inputs
    splits = triton.cdiv(width, share)
    room = (splits, rows, outputs) if splits > 1 else (0,)
    parts = torch.empty(room, dtype=torch.float32, device=x.device)
    _gemv_kernel[(blocks, splits)](
        x, weight.values.view(torch.int8), weight.scales, out, parts, rows, width, outputs,
        x.stride(0), weight.values.stride(0), share,
        FP8_BITS=isinstance(weight, Fp8Weight),
        PACKED=isinstance(weight, Fp8Weight) and x.dtype == torch.bfloat16,
        SPLIT=splits > 1,
        ROWS=_ROWS,
        OUTPUTS=tuning.outputs,
        INPUTS=tuning.inputs,
        num_warps=tuning.warps,
        num_stages=tuning.stages,
    )  # fmt: skip
    if splits > 1:
        _sum_kernel[(rows, triton.cdiv(outputs, _SUM_BLOCK))](
            parts, weight.scales, out, outputs, splits, BLOCK=_SUM_BLOCK, num_warps=4
        )
    return out
