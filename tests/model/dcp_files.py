"""Writes distributed checkpoints as CWM's were: names, order of rows and parts of the original."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint.default_planner import DefaultSavePlanner
from torch.distributed.checkpoint.filesystem import FileSystemWriter
from torch.distributed.checkpoint.metadata import ChunkStorageMetadata, MetadataIndex
from torch.distributed.checkpoint.planner import SavePlan, WriteItem, WriteItemType

NAMES = {
    "model.embed_tokens": "tok_embeddings",
    "model.norm": "norm",
    "lm_head": "output",
    "input_layernorm": "attention_norm",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.up_proj": "feed_forward.w3",
    "mlp.down_proj": "feed_forward.w2",
}


def params(**changes: Any) -> dict[str, Any]:
    """The fields of the original class for the tiny model of tests/conftest.py."""
    return {
        "dim": 48,
        "n_layers": 8,
        "n_heads": 6,
        "n_kv_heads": 2,
        "head_dim": 8,
        "max_seq_len": 512,
        "vocab_size": 536,
        "ffn_dim_multiplier": 0.5,  # 2/3 * 4 * 48 = 128; half of it is 64, rounded up to 96
        "ffn_exp": 4,
        "multiple_of": 96,
        "norm_eps": 1e-5,
        "pos_embed_impl": "scaled_rope",
        "rope_theta": 1e6,
        "scaled_rope": {
            "scale_factor": 16,
            "old_context_len": 32,
            "low_freq_factor": 1,
            "high_freq_factor": 4,
            "use_attn_scale": False,
        },
        "attn_impl": "xformers",
        "window_attn": {
            "window_pattern": 4,
            "global_window": None,
            "local_window": 16,
            "global_last_layer": True,
        },
        "weight_tying": False,
        "qkv_biases": False,
    } | changes


def interleaved(rows: Tensor, head_dim: int) -> Tensor:
    """Hugging Face's rows in the original order, one row at a time."""
    result = torch.empty_like(rows)
    half = head_dim // 2
    for head in range(0, len(rows), head_dim):
        for i in range(half):
            result[head + 2 * i] = rows[head + i]
            result[head + 2 * i + 1] = rows[head + half + i]
    return result


def to_original(tensors: Mapping[str, Tensor], head_dim: int) -> dict[str, Tensor]:
    """Tensors of a Hugging Face checkpoint under the original's names and in its order."""
    result = {}
    for name, tensor in tensors.items():
        stem = name.removesuffix(".weight")
        key = NAMES.get(stem)
        if key is None:
            layer, rest = stem.removeprefix("model.layers.").split(".", 1)
            key = f"layers.{layer}.{NAMES[rest]}"
        order = "q_proj" in name or "k_proj" in name
        result[f"{key}.weight"] = interleaved(tensor, head_dim) if order else tensor
    return result


class PartsPlanner(DefaultSavePlanner):
    """Cuts every tensor into two parts along its rows, as two processes would save it."""

    def create_local_plan(self) -> SavePlan:
        plan = super().create_local_plan()
        items = [part for item in plan.items for part in _parts(item)]
        self.plan = replace(plan, items=items)
        return self.plan

    def resolve_data(self, write_item: WriteItem) -> Any:
        data = write_item.tensor_data
        assert data is not None
        tensor: Tensor = self.state_dict[write_item.index.fqn]
        start, length = data.chunk.offsets[0], data.chunk.sizes[0]
        return tensor[start : start + length].clone()


def _parts(item: WriteItem) -> list[WriteItem]:
    data = item.tensor_data
    assert data is not None
    rows, rest = data.size[0], data.size[1:]
    cut = rows // 3
    parts = []
    for start, end in ((0, cut), (cut, rows)):
        offsets = torch.Size([start] + [0] * len(rest))
        chunk = ChunkStorageMetadata(offsets, torch.Size([end - start, *rest]))
        index = MetadataIndex(item.index.fqn, offsets)
        parts.append(WriteItem(index, WriteItemType.SHARD, tensor_data=replace(data, chunk=chunk)))
    return parts


def write_dcp(folder: Path, tensors: Mapping[str, Tensor], raw: Mapping[str, Any]) -> None:
    """`tensors` under original names; every part lies in a file of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "params.json").write_text(
        json.dumps({"model": raw, "tokenizer": {"name": "cwm_instruct", "path": "tokenizer.model"}})
    )
    dcp.save(
        {"model": dict(tensors)},
        storage_writer=FileSystemWriter(folder, single_file_per_rank=False),
        planner=PartsPlanner(),
        no_dist=True,
    )
