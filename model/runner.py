"""Runs step plans: the transformer over paged keys and values, many sequences at once."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from model.batch import Batch, build_batch
from model.cache.layout import LayerGroup
from model.collective import Alone, Collective
from model.config import ModelConfig
from model.kv import KVStorage
from model.ops import reference as ops
from model.ops.linear import linear
from model.plan import StepPlan
from model.rope import inverse_frequencies, rotation
from model.weights import LayerWeights, Weights


class StepRunner(Protocol):
    """Carries out plans; the engine knows nothing more of the devices."""

    def run(self, plan: StepPlan) -> Tensor:
        """Carry out moves and rows; logits (sum of row.logits, vocabulary) in row order.

        fp32, or fp64 for a model in fp64.
        """

    def close(self) -> None:
        """Let go of what outlives this object, such as worker processes."""


class Runner:
    """One device, all layers.

    In a tensor-parallel group, `config` and `weights` are those of this rank's
    shard (see `model.shards`) and `collective` joins it with the others.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        groups: tuple[LayerGroup, ...],
        storage: KVStorage,
        collective: Collective | None = None,
    ) -> None:
        self.config = config
        self.weights = weights
        self.storage = storage
        self._groups = groups
        self._device = weights.embedding.device
        self._collective = collective or Alone()
        self._inverse = inverse_frequencies(config).to(self._device)

    @torch.inference_mode()
    def run(self, plan: StepPlan) -> Tensor:
        """See StepRunner."""
        self.storage.carry_out(plan.moves)
        batch = build_batch(plan, self._groups, self.storage.page_size, self._device)
        cos, sin = rotation(self._inverse, batch.positions)
        hidden = functional.embedding(batch.ids, self.weights.embedding)
        for index, layer in enumerate(self.weights.layers):
            hidden = hidden + self._attention(index, layer, hidden, cos, sin, batch)
            hidden = hidden + self._feed_forward(layer, hidden)
        hidden = ops.rms_norm(hidden[batch.wanted], self.weights.norm, self.config.norm_eps)
        logits = ops.wide(linear(hidden, self.weights.head))
        return self._collective.gather(logits, self.config.vocabulary)

    def close(self) -> None:
        """See StepRunner; there is nothing to do."""

    def _attention(
        self,
        index: int,
        layer: LayerWeights,
        hidden: Tensor,
        cos: Tensor,
        sin: Tensor,
        batch: Batch,
    ) -> Tensor:
        """Self-attention block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        config, tokens = self.config, hidden.shape[0]
        normed = ops.rms_norm(hidden, layer.attention_norm, config.norm_eps)
        merged = linear(normed, layer.qkv)
        heads = merged.view(tokens, config.heads + 2 * config.kv_heads, config.head_dim)
        # Values are not turned, but written beside the keys: rotate the rest in place.
        turned = heads[:, : config.heads + config.kv_heads]
        turned.copy_(ops.rotate(turned, cos, sin))
        query, keys_values = heads[:, : config.heads], heads[:, config.heads :]
        self.storage.write(index, batch.slots[self.storage.group_of[index]], keys_values)
        mixed = self._mix(index, query, batch)
        return self._collective.all_reduce(linear(mixed.flatten(1), layer.output))

    def _mix(self, index: int, query: Tensor, batch: Batch) -> Tensor:
        """Attention of all rows over their own pages, (tokens, heads, head_dim)."""
        gather = batch.gathers[self.storage.group_of[index]]
        parts: list[Tensor] = []
        if gather.decode is not None:
            keys, values = self.storage.read(index, gather.decode)
            parts.append(ops.attend_decode(query[: batch.decodes], keys, values, gather.mask))
        for (begin, end), slots in zip(batch.extend, gather.extend, strict=True):
            keys, values = self.storage.read(index, slots)
            window = self.config.windows[index]
            parts.append(ops.attend(query[begin:end], keys, values, window))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _feed_forward(self, layer: LayerWeights, hidden: Tensor) -> Tensor:
        """SwiGLU block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        normed = ops.rms_norm(hidden, layer.feed_forward_norm, self.config.norm_eps)
        inner = ops.swiglu(linear(normed, layer.gate_up))
        return self._collective.all_reduce(linear(inner, layer.down))
