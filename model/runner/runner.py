"""Runs step plans: the transformer over paged keys and values, many sequences at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from model.checkpoint.weights import LayerWeights, Weights
from model.config.config import ModelConfig
from model.config.rope import inverse_frequencies, rotation
from model.device import memory_of, on_device
from model.kvcache.layer_groups import LayerGroup
from model.kvcache.storage import KVStorage
from model.ops.operations import Operations, PagedReference, choose_operations
from model.ops.reference import wide
from model.runner.collective import Alone, Collective
from model.runner.decoder import Decoder, Decoding, Launched
from model.step.batch import Batch, build_batch
from model.step.plan import Row, StepPlan
from model.step.sampler import Draw


class StepRunner(Protocol):
    """Carries out plans; the engine knows nothing more of the devices."""

    def run(self, plan: StepPlan) -> Tensor:
        """Carry out moves and rows; logits (sum of row.logits, vocabulary) in row order.

        fp32, or fp64 for a model in fp64.
        """

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> Launched | None:
        """Begin a step that samples on the device, one draw for each of its logits.

        None, and nothing done, where only `run` can carry it out.
        """

    def close(self) -> None:
        """Let go of what outlives this object, such as worker processes."""


class Runner:
    """One device, all layers.

    In a tensor-parallel group, `config` and `weights` are those of this rank's
    shard (see `model.config.shards`) and `collective` joins it with the others.
    `operations` are those that suit the device, unless given. `decoding` asks
    for decode steps on fixed buffers (see `model.runner.decoder`).
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Weights,
        groups: tuple[LayerGroup, ...],
        storage: KVStorage,
        collective: Collective | None = None,
        operations: Operations | None = None,
        decoding: Decoding | None = None,
    ) -> None:
        self.config = config
        self.weights = weights
        self.storage = storage
        self._groups = groups
        self._device = weights.embedding.device
        self._collective = collective or Alone()
        self._ops: Operations = operations or choose_operations(
            self._device, weights.embedding.dtype, config.head_dim
        )
        self._inverse = inverse_frequencies(config).to(self._device)
        self._decoder: Decoder | None = None
        if decoding is not None:
            with on_device(self._device), memory_of(self._device, "recording decode steps"):
                self._decoder = self._build_decoder(decoding)

    def _build_decoder(self, decoding: Decoding) -> Decoder | None:
        captures = decoding.graphs and self._ops.paged
        if decoding.fixed and not self._ops.paged:
            # The usual reference reads pages in place where they are neighbours and copies them
            # where not: with other strides sums may be rounded differently.
            self._ops = PagedReference()
        if not (captures or decoding.fixed):
            return None
        return Decoder(
            decoding,
            self._groups,
            page_size=self.storage.page_size,
            vocabulary=self.config.vocabulary,
            device=self._device,
            forward=self._forward,
            captures=captures,
            samples=self._collective.leads,
        )

    @torch.inference_mode()
    def run(self, plan: StepPlan) -> Tensor:
        """See StepRunner."""
        with on_device(self._device):
            self.storage.carry_out(plan.moves)
            if self._decoder is not None and self._decoder.fixed:
                return self._run_apart(plan.rows, self._decoder)
            return self._run_rows(plan.rows)

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> Launched | None:
        """See StepRunner."""
        return self.replay(plan, draws) if self.has_recorded(plan, draws) else None

    def has_recorded(self, plan: StepPlan, draws: Sequence[Draw]) -> bool:
        """Whether `replay` can carry out the step."""
        return self._decoder is not None and self._decoder.takes(plan.rows, draws)

    @torch.inference_mode()
    def replay(self, plan: StepPlan, draws: Sequence[Draw]) -> Launched:
        """Begin a recorded step."""
        assert self._decoder is not None, "ask `has_recorded` first"
        with on_device(self._device):
            self.storage.carry_out(plan.moves)
            return self._decoder.launch(plan.rows, draws)

    @torch.inference_mode()
    def follow(self, plan: StepPlan) -> None:
        """On a rank that does not lead: its part of what the leader runs or launches."""
        if not plan.recorded:
            self.run(plan)
            return
        assert self._decoder is not None, "all ranks of a group record"
        with on_device(self._device):
            self.storage.carry_out(plan.moves)
            self._decoder.follow(plan.rows)

    def _run_rows(self, rows: Sequence[Row]) -> Tensor:
        """Rows together, whatever they are."""
        plan = StepPlan((), tuple(rows))
        batch = build_batch(
            plan, self._groups, self.storage.page_size, self._device, paged=self._ops.paged
        )
        return self._forward(batch)

    def _run_apart(self, rows: Sequence[Row], decoder: Decoder) -> Tensor:
        """Decodes and drafts padded to a fixed number of rows, every prompt by itself.

        So no matrix product has a shape that depends on a neighbour.
        """
        decodes = [row for row in rows if row.logits == len(row.tokens)]
        parts = dict(zip((row.sequence for row in decodes), decoder.run(decodes), strict=True))
        for row in rows:
            if row.sequence not in parts:
                parts[row.sequence] = self._run_rows([row])
        return torch.cat([parts[row.sequence] for row in rows])

    def _forward(self, batch: Batch) -> Tensor:
        """Logits of the wanted tokens, (wanted, vocabulary)."""
        cos, sin = rotation(self._inverse, batch.positions)
        ops, config, layers = self._ops, self.config, self.weights.layers
        hidden = functional.embedding(batch.ids, self.weights.embedding)
        normed = ops.rms_norm(hidden, layers[0].attention_norm, config.norm_eps)
        for index, layer in enumerate(layers):
            delta = self._attention(index, layer, normed, cos, sin, batch)
            hidden, normed = ops.add_rms_norm(
                hidden, delta, layer.feed_forward_norm, config.norm_eps
            )
            delta = self._feed_forward(layer, normed)
            if index + 1 < len(layers):
                weight = layers[index + 1].attention_norm
            else:
                weight = self.weights.norm
                hidden, delta = hidden[batch.wanted], delta[batch.wanted]
            hidden, normed = ops.add_rms_norm(hidden, delta, weight, config.norm_eps)
        logits = wide(ops.linear(normed, self.weights.head))
        return self._collective.gather(logits, config.vocabulary)

    def close(self) -> None:
        """See StepRunner: graphs must be gone before the communicator that they use."""
        self._decoder = None

    def _attention(
        self,
        index: int,
        layer: LayerWeights,
        normed: Tensor,
        cos: Tensor,
        sin: Tensor,
        batch: Batch,
    ) -> Tensor:
        """Self-attention block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        ops, config, group = self._ops, self.config, self.storage.group_of[index]
        merged = ops.linear(normed, layer.qkv)
        heads = merged.view(-1, config.heads + 2 * config.kv_heads, config.head_dim)
        pool = self.storage.layer(index)
        query = ops.rope_write(heads, cos, sin, pool, batch.slots[group])
        mixed = ops.attend(query, pool, batch, group, config.windows[index])
        return self._collective.all_reduce(ops.linear(mixed.flatten(1), layer.output))

    def _feed_forward(self, layer: LayerWeights, normed: Tensor) -> Tensor:
        """SwiGLU block of one layer, (tokens, hidden) -> (tokens, hidden)."""
        gate_up = self._ops.linear(normed, layer.gate_up)
        return self._collective.all_reduce(self._ops.swiglu_linear(gate_up, layer.down))
