"""One rank of a tensor-parallel group: what it is told at the start, and what it builds from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from model.checkpoint.source import WeightSource
from model.checkpoint.weights import Weights
from model.config.config import Llama3Scaling, ModelConfig
from model.config.shards import Shard, shard_config
from model.device import memory_of
from model.errors import DeviceError
from model.kvcache.layer_groups import group_layers
from model.kvcache.storage import KVStorage
from model.parallel.ranks import Sums
from model.parallel.symmetric import symmetric_bytes
from model.runner.collective import Collective
from model.runner.decoder import Decoding
from model.runner.runner import Runner


@dataclass(frozen=True, slots=True)
class RankSpec:
    """All that a rank must know. `config` is that of the whole model; `pages` as in KVStorage.

    On CUDA, the source's device only names the kind: each rank takes its own.
    """

    config: ModelConfig
    size: int
    source: WeightSource
    page_size: int
    pages: tuple[int, ...]
    host_slots: tuple[int, ...]
    threads: int
    decoding: Decoding | None = None
    reduce_in_fp32: bool = True
    symmetric_memory: bool = True

    @property
    def sums(self) -> Sums:
        """How the ranks add their partial results."""
        fixed = self.decoding.most if self.decoding is not None and self.decoding.fixed else 0
        small = symmetric_bytes(fixed, self.config.hidden) if self.symmetric_memory else 0
        return Sums(self.source.dtype, self.reduce_in_fp32, small)

    def device_of(self, local_rank: int) -> torch.device:
        """The device of a rank, counted on its machine; raises DeviceError if there is none."""
        if self.source.device.type != "cuda":
            return self.source.device
        if local_rank >= (count := torch.cuda.device_count()):
            raise DeviceError(
                f"{self.size} ranks need a CUDA device each, this machine shows {count}; "
                "use a smaller tensor-parallel degree"
            )
        return torch.device("cuda", local_rank)

    def load(self, rank: int, device: torch.device) -> Weights:
        """This rank's part of the weights."""
        with memory_of(device, f"rank {rank} of {self.size} of the model"):
            return replace(self.source, device=device).load(self.config, Shard(rank, self.size))

    def storage(self, device: torch.device) -> KVStorage:
        """Memory for this rank's keys and values."""
        return build_storage(
            shard_config(self.config, self.size),
            pages=self.pages,
            host_slots=self.host_slots,
            page_size=self.page_size,
            device=device,
            dtype=self.source.dtype,
        )

    def runner(self, weights: Weights, storage: KVStorage, collective: Collective) -> Runner:
        """What runs this rank's part of a plan."""
        config = shard_config(self.config, self.size)
        return Runner(
            config,
            weights,
            group_layers(config.windows),
            storage,
            collective,
            decoding=self.decoding,
        )


def build_storage(
    config: ModelConfig,
    *,
    pages: Sequence[int],
    host_slots: Sequence[int],
    page_size: int,
    device: torch.device,
    dtype: torch.dtype,
) -> KVStorage:
    """Memory for the keys and values of all layers; raises DeviceError if it is not there."""
    with memory_of(device, "the KV memory"):
        return KVStorage(
            group_layers(config.windows),
            pages=pages,
            host_slots=host_slots,
            page_size=page_size,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            device=device,
            dtype=dtype,
        )


def spec_to_json(spec: RankSpec) -> str:
    """For another process; see `spec_from_json`."""
    source = spec.source
    raw = asdict(replace(spec, source=replace(source, folder=None)))
    raw["source"] = {
        "device": str(source.device),
        "dtype": str(source.dtype).removeprefix("torch."),
        "folder": None if source.folder is None else str(source.folder.resolve()),
        "seed": source.seed,
        "quantization": source.quantization,
    }
    return json.dumps(raw)


def spec_from_json(text: str) -> RankSpec:
    """The inverse of `spec_to_json` (a relative folder has become absolute)."""
    raw: dict[str, Any] = json.loads(text)
    config, source = raw["config"], raw["source"]
    scaling, folder = config["rope_scaling"], source["folder"]
    config |= {
        "windows": tuple(config["windows"]),
        "eos_ids": tuple(config["eos_ids"]),
        "rope_scaling": None if scaling is None else Llama3Scaling(**scaling),
    }
    source |= {
        "device": torch.device(source["device"]),
        "dtype": getattr(torch, source["dtype"]),
        "folder": None if folder is None else Path(folder),
    }
    decoding = raw["decoding"]
    raw |= {
        "decoding": None if decoding is None else Decoding(**decoding),
        "config": ModelConfig(**config),
        "source": WeightSource(**source),
        "pages": tuple(raw["pages"]),
        "host_slots": tuple(raw["host_slots"]),
    }
    return RankSpec(**raw)
