"""The least bytes and operations of a step: what the measured seconds are compared with."""

from __future__ import annotations

from math import prod

from model.config import ModelConfig
from model.weights import EMBEDDING, HEAD, tensor_shapes


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
