"""Which implementation of the operations a device uses; chosen once, when an engine is built."""

from __future__ import annotations

import importlib.util
from typing import Protocol

import torch
from torch import Tensor

from model.ops import reference
from model.ops.linear import LinearWeight, linear
from model.ops.paged import attend_pages, rope_write
from model.step.batch import Batch, Slots
from model.step.sampler import Sampler, sample

_LEAST_HEAD = 16  # a kernel's matrix products are at least this wide


class Operations(Protocol):
    """What a forward pass is made of (docs/kernels.md)."""

    paged: bool  # whether `attend` reads batch.paged, otherwise batch.gathers

    def rms_norm(self, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """See `reference.rms_norm`; x (rows, hidden)."""

    def add_rms_norm(
        self, x: Tensor, delta: Tensor, weight: Tensor, eps: float
    ) -> tuple[Tensor, Tensor]:
        """See `reference.add_rms_norm`; x, delta (rows, hidden)."""

    def rope_write(
        self, qkv: Tensor, cos: Tensor, sin: Tensor, pool: Tensor, slots: Tensor
    ) -> Tensor:
        """See `paged.rope_write`."""

    def attend(
        self, query: Tensor, pool: Tensor, batch: Batch, group: int, window: int | None
    ) -> Tensor:
        """Attention of all rows of a batch over their own pages in `group`.

        query (tokens, heads, head_dim), pool (2 * kv_heads, slots, head_dim)
        -> (tokens, heads, head_dim).
        """

    def swiglu_linear(self, gate_up: Tensor, weight: LinearWeight) -> Tensor:
        """`reference.swiglu` of (tokens, 2 * inner), times a weight (out, inner)."""

    def linear(self, x: Tensor, weight: LinearWeight) -> Tensor:
        """See `model.ops.linear.linear`."""


class ReferenceOperations:
    """Plain torch, on any device and in any number format."""

    paged = False

    rms_norm = staticmethod(reference.rms_norm)
    add_rms_norm = staticmethod(reference.add_rms_norm)
    rope_write = staticmethod(rope_write)
    linear = staticmethod(linear)

    def attend(
        self, query: Tensor, pool: Tensor, batch: Batch, group: int, window: int | None
    ) -> Tensor:
        """See Operations."""
        gather = batch.gathers[group]
        parts: list[Tensor] = []
        if gather.decode is not None:
            keys, values = _read(pool, gather.decode)
            mixed = reference.attend_decode(query[: batch.decodes], keys, values, gather.mask)
            parts.append(mixed)
        for (begin, end), slots in zip(batch.extend, gather.extend, strict=True):
            keys, values = _read(pool, slots)
            parts.append(reference.attend(query[begin:end], keys, values, window))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def swiglu_linear(self, gate_up: Tensor, weight: LinearWeight) -> Tensor:
        """See Operations."""
        return linear(reference.swiglu(gate_up), weight)


class PagedReference:
    """Plain torch over page tables, for steps on fixed buffers (see `model.runner.decoder`)."""

    paged = True

    rms_norm = staticmethod(reference.rms_norm)
    add_rms_norm = staticmethod(reference.add_rms_norm)
    linear = staticmethod(linear)

    def rope_write(
        self, qkv: Tensor, cos: Tensor, sin: Tensor, pool: Tensor, slots: Tensor
    ) -> Tensor:
        """See Operations; a token with slot -1 is turned like the others, but not written."""
        kv_heads = pool.shape[0] // 2
        turned = qkv[:, :-kv_heads]
        # All rows at once, padding too: shapes must not depend on how many are real.
        turned.copy_(reference.rotate(turned, cos, sin))
        real = slots >= 0
        pool.index_copy_(1, slots[real], qkv[real, -2 * kv_heads :].transpose(0, 1))
        return qkv[:, : -2 * kv_heads]

    def attend(
        self, query: Tensor, pool: Tensor, batch: Batch, group: int, window: int | None
    ) -> Tensor:
        """See Operations."""
        parts = [
            attend_pages(query[r.begin : r.end], r.begins, pool, r.pages[group], window)
            for r in batch.paged
        ]
        return torch.cat(parts)

    def swiglu_linear(self, gate_up: Tensor, weight: LinearWeight) -> Tensor:
        """See Operations."""
        return linear(reference.swiglu(gate_up), weight)


def choose_operations(device: torch.device, dtype: torch.dtype, head_dim: int) -> Operations:
    """Triton kernels on CUDA, if triton is installed and they know the format and the shape."""
    fits = head_dim >= _LEAST_HEAD and head_dim & (head_dim - 1) == 0
    if not (fits and _kernels_run(device, dtype)):
        return ReferenceOperations()
    from model.ops.triton.operations import TritonOperations

    return TritonOperations(device)


def choose_sampler(device: torch.device, dtype: torch.dtype) -> Sampler:
    """The sampler that suits a model on this device and in this number format."""
    if not _kernels_run(device, dtype):
        return sample
    from model.ops.triton.sample import sample_on_device

    return sample_on_device


def _kernels_run(device: torch.device, dtype: torch.dtype) -> bool:
    return device.type == "cuda" and dtype != torch.float64 and has_triton()


def has_triton() -> bool:
    """Whether triton is installed; it is not imported."""
    return importlib.util.find_spec("triton") is not None


def _read(pool: Tensor, slots: Slots) -> tuple[Tensor, Tensor]:
    """Keys and values at slots (n,), each (kv_heads, n, head_dim); views for a slice."""
    found = pool[:, slots] if isinstance(slots, slice) else pool.index_select(1, slots)
    kv_heads = pool.shape[0] // 2
    return found[:kv_heads], found[kv_heads:]
