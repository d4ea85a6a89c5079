"""Where a rank takes its weights from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from model.checkpoint.quantize import Quantization, layer_quantizer
from model.checkpoint.weights import Weights, load_weights, random_weights
from model.config.config import ModelConfig
from model.config.shards import WHOLE, Shard
from model.device import memory_of


@dataclass(frozen=True, slots=True)
class WeightSource:
    """Where weights come from (a checkpoint folder or, without one, a seed), and in which form."""

    device: torch.device
    dtype: torch.dtype
    folder: Path | None = None
    seed: int = 0
    quantization: Quantization = "none"

    def load(self, config: ModelConfig, shard: Shard = WHOLE) -> Weights:
        """The weights of `shard`; errors as in `load_weights` and `layer_quantizer`."""
        device, dtype, convert = self.device, self.dtype, layer_quantizer(self.quantization)
        if self.folder is not None:
            with memory_of(device, f"the model in {self.folder}"):
                return load_weights(
                    self.folder, config, device=device, dtype=dtype, shard=shard, convert=convert
                )
        return random_weights(
            config, seed=self.seed, device=device, dtype=dtype, shard=shard, convert=convert
        )
