"""The CWM/Llama decoder in plain torch, one sequence at a time."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from model.checkpoint.weights import LayerWeights, Weights
from model.config.config import ModelConfig
from model.config.rope import inverse_frequencies, rotation
from model.ops import reference as ops
from model.ops.linear import linear


class KeyValues(Protocol):
    """What a forward pass needs of a key/value cache (see `model.kvcache.dense`)."""

    length: int

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the newest keys and values of a layer and return all visible ones."""

    def commit(self, tokens: int) -> None:
        """Make the tokens of this pass part of the sequence."""


class Transformer:
    """Weights and their computation. Holds no state of any sequence, so threads may share it."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self.config = config
        self.weights = weights
        self.device = weights.embedding.device
        self.dtype = weights.embedding.dtype
        self._inverse = inverse_frequencies(config).to(self.device)

    @torch.inference_mode()
    def logits(self, ids: Tensor, cache: KeyValues, *, last_only: bool = True) -> Tensor:
        """Run the next tokens of a sequence; afterwards the cache holds them.

        ids (tokens,) of int64, standing at positions cache.length onwards.
        Returns fp32 logits, (1, vocabulary) of the last token, or
        (tokens, vocabulary) of all.
        """
        tokens = ids.shape[0]
        positions = torch.arange(cache.length, cache.length + tokens, device=self.device)
        cos, sin = rotation(self._inverse, positions)
        hidden = functional.embedding(ids, self.weights.embedding)
        for index, layer in enumerate(self.weights.layers):
            hidden = hidden + self._attention(index, layer, hidden, cos, sin, cache)
            hidden = hidden + self._feed_forward(layer, hidden)
        cache.commit(tokens)
        if last_only:
            hidden = hidden[-1:]
        hidden = ops.rms_norm(hidden, self.weights.norm, self.config.norm_eps)
        return ops.wide(linear(hidden, self.weights.head))

    def _attention(
        self,
        index: int,
        layer: LayerWeights,
        hidden: Tensor,
        cos: Tensor,
        sin: Tensor,
        cache: KeyValues,
    ) -> Tensor:
        """Self-attention block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        config, tokens = self.config, hidden.shape[0]
        normed = ops.rms_norm(hidden, layer.attention_norm, config.norm_eps)
        merged = linear(normed, layer.qkv)
        heads = merged.view(tokens, config.heads + 2 * config.kv_heads, config.head_dim)
        query, key, value = torch.split(
            heads, [config.heads, config.kv_heads, config.kv_heads], dim=1
        )
        keys, values = cache.extend(index, ops.rotate(key, cos, sin), value)
        mixed = ops.attend(ops.rotate(query, cos, sin), keys, values, config.windows[index])
        return linear(mixed.flatten(1), layer.output)

    def _feed_forward(self, layer: LayerWeights, hidden: Tensor) -> Tensor:
        """SwiGLU block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        normed = ops.rms_norm(hidden, layer.feed_forward_norm, self.config.norm_eps)
        return linear(ops.swiglu(linear(normed, layer.gate_up)), layer.down)
