"""What the machine can do at most: bytes by a large copy, operations by a large matmul."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from cwm_agent.gpucheck.timing import seconds_of


@dataclass(frozen=True, slots=True)
class Ceilings:
    """`bytes_per_second` counts those read and those written."""

    bytes_per_second: float
    flops_per_second: float


def measure_ceilings(
    device: torch.device, dtype: torch.dtype, *, copy_bytes: int, matmul_size: int
) -> Ceilings:
    """Copy `copy_bytes`, and multiply square matrices of random numbers (zeros run faster)."""
    return Ceilings(
        2 * copy_bytes / _copy_seconds(device, copy_bytes),
        2 * matmul_size**3 / _matmul_seconds(device, dtype, matmul_size),
    )


def _copy_seconds(device: torch.device, count: int) -> float:
    source = torch.randint(0, 255, (count,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return seconds_of(device, [lambda: target.copy_(source)])


def _matmul_seconds(device: torch.device, dtype: torch.dtype, size: int) -> float:
    left = torch.randn((size, size), device=device).to(dtype)
    right = torch.randn((size, size), device=device).to(dtype)
    out = torch.empty_like(left)
    return seconds_of(device, [lambda: torch.matmul(left, right, out=out)])
