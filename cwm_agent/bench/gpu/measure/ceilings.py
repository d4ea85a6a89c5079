"""What the machine can do at most: bytes by a large copy, operations by a large matmul."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch

from cwm_agent.bench.gpu.measure.timing import seconds_of
from model.checkpoint.weights import EMBEDDING, HEAD, tensor_shapes
from model.config.config import ModelConfig


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


def decode_bytes(
    config: ModelConfig, weight_bytes: int, itemsize: int, context: int, batch: int
) -> int:
    """Bytes that one decode step of `batch` sequences of `context` tokens has to read.

    `weight_bytes` are those of all weights but the embedding, of which a step
    reads a row a sequence (tied to the head it is read as a whole, and counted
    in). Keys and values: 2 x kv_heads x head_dim x itemsize for each key seen.
    """
    per_key = 2 * config.kv_heads * config.head_dim * itemsize
    keys = sum(context if w is None else min(context, w) for w in config.windows)
    return weight_bytes + batch * keys * per_key


def prefill_flops(config: ModelConfig, tokens: int) -> int:
    """Operations of a prompt of `tokens`: 2 for each weight and token, and attention.

    The head is needed for the last token only.
    """
    linear = sum(
        prod(shape)
        for name, shape in tensor_shapes(config).items()
        if len(shape) == 2 and name not in (EMBEDDING, HEAD)
    )
    head = config.vocabulary * config.hidden
    attention = sum(attention_flops(config, tokens, 0, window) for window in config.windows)
    return 2 * (linear * tokens + head) + attention


def attention_flops(config: ModelConfig, tokens: int, before: int, window: int | None) -> int:
    """Operations of attention in one layer: 4 x heads x head_dim for each (query, key seen).

    The queries stand at positions before .. before + tokens - 1.
    """
    return 4 * config.heads * config.head_dim * _pairs(tokens, before, window)


def _pairs(tokens: int, before: int, window: int | None) -> int:
    """How many keys all queries see together; a query sees itself and all before it."""
    whole = tokens * before + tokens * (tokens + 1) // 2
    if window is None:
        return whole
    short = max(0, min(before + tokens, window) - before)  # queries that see all before them
    return short * before + short * (short + 1) // 2 + (tokens - short) * window
