"""The operations of a forward pass as Triton kernels."""

from __future__ import annotations

import torch
from torch import Tensor

from model.ops.linear import Fp8Weight, LinearWeight, linear, scaled_linear
from model.ops.triton.decode import attend_decode
from model.ops.triton.extend import attend_extend
from model.ops.triton.gemv import weight_only_linear
from model.ops.triton.norm import add_rms_norm, rms_norm
from model.ops.triton.quantise import quantise_fp8
from model.ops.triton.rope_write import rope_write
from model.ops.triton.swiglu import swiglu, swiglu_fp8
from model.ops.triton.tuning import tuning_for
from model.step.batch import Batch
from model.step.page_tables import DRAFT_TOKENS


class TritonOperations:
    """See `model.ops.operations.Operations`."""

    paged = True

    rms_norm = staticmethod(rms_norm)
    add_rms_norm = staticmethod(add_rms_norm)
    rope_write = staticmethod(rope_write)

    def __init__(self, device: torch.device) -> None:
        self._gemv_rows = tuning_for(device).gemv.most_rows

    def attend(
        self, query: Tensor, pool: Tensor, batch: Batch, group: int, window: int | None
    ) -> Tensor:
        """See Operations."""
        out = torch.empty_like(query)
        for rows in batch.paged:
            kernel = attend_decode if rows.most <= DRAFT_TOKENS else attend_extend
            part = slice(rows.begin, rows.end)
            kernel(
                query[part], rows.begins, pool, rows.pages[group], window, rows.most, out=out[part]
            )
        return out

    def swiglu_linear(self, gate_up: Tensor, weight: LinearWeight) -> Tensor:
        """See Operations."""
        if isinstance(weight, Fp8Weight) and gate_up.shape[0] > self._gemv_rows:
            return scaled_linear(swiglu_fp8(gate_up), weight, gate_up.dtype)
        return self.linear(swiglu(gate_up), weight)

    def linear(self, x: Tensor, weight: LinearWeight) -> Tensor:
        """See Operations. Few rows read an 8-bit weight once and stay as they are (W8A16)."""
        if isinstance(weight, Tensor):
            return linear(x, weight)
        if x.shape[0] <= self._gemv_rows:
            return weight_only_linear(x, weight)
        if isinstance(weight, Fp8Weight):
            return scaled_linear(quantise_fp8(x), weight, x.dtype)
        return linear(x, weight)
