"""A trained network as a checkpoint in transformers format (`CwmForCausalLM`), and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from cwm_agent.nano.training.network import Layer, Network, Shape
from cwm_agent.nano.training.state import StateError, load_state, newest_state
from model.checkpoint.safetensors_files import SINGLE, write_file
from model.checkpoint.weights import EMBEDDING, NORM
from model.config.config import FULL, SLIDING

_CONTEXT = 4_096


@dataclass(frozen=True, slots=True)
class TokenIds:
    """Ids that a configuration names; all of `eos` end a message."""

    bos: int
    eos: tuple[int, ...]
    pad: int


def export_run(run: Path, folder: Path, tokenizer: Path, ids: TokenIds) -> None:
    """Write the newest state of a run as a checkpoint; raises StateError if there is none.

    `tokenizer` is the path of a tokenizer.json, or of a folder with one, whose
    other tokenizer files are taken along.
    """
    saved = newest_state(run)
    if saved is None:
        raise StateError(f"{run} has no saved state; train first")
    state = load_state(saved)
    network = Network(state.shape)
    prefix = "weights/"
    network.load_state_dict(
        {
            name.removeprefix(prefix): tensor
            for name, tensor in state.tensors.items()
            if name.startswith(prefix)
        }
    )
    export_network(network, folder, tokenizer, ids)


def export_network(
    network: Network,
    folder: Path,
    tokenizer: Path,
    ids: TokenIds,
    dtype: torch.dtype = torch.bfloat16,
) -> None:
    """Write config.json, generation_config.json, model.safetensors and the tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    name = str(dtype).removeprefix("torch.")
    _write(folder / "config.json", configuration(network.shape, ids, name))
    special = {"bos_token_id": ids.bos, "eos_token_id": list(ids.eos), "pad_token_id": ids.pad}
    _write(folder / "generation_config.json", special)
    tensors = {
        name: tensor.detach().cpu().to(dtype).contiguous()
        for name, tensor in named_tensors(network).items()
    }
    write_file(tensors, folder / SINGLE)
    for path in _tokenizer_files(tokenizer):
        shutil.copyfile(path, folder / path.name)


def configuration(shape: Shape, ids: TokenIds, dtype: str) -> dict[str, object]:
    """The content of config.json."""
    return {
        "architectures": ["CwmForCausalLM"],
        "model_type": "cwm",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.ffn,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.theta},
        "layer_types": [
            FULL if index in shape.full_layers else SLIDING for index in range(shape.layers)
        ],
        "sliding_window": shape.window,
        "max_position_embeddings": _CONTEXT,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "tie_word_embeddings": True,
        "bos_token_id": ids.bos,
        "eos_token_id": list(ids.eos),
        "pad_token_id": ids.pad,
        "dtype": dtype,
    }


def named_tensors(network: Network) -> dict[str, Tensor]:
    """The weights under the names of a Hugging Face checkpoint; merged matrices are split."""
    shape = network.shape
    sizes = [heads * shape.head_dim for heads in (shape.heads, shape.kv_heads, shape.kv_heads)]
    named: dict[str, Tensor] = {EMBEDDING: network.embedding, NORM: network.head.norm.weight}
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, Layer)
        query, key, value = torch.split(layer.qkv.weight, sizes)
        gate, up = layer.gate_up.weight.chunk(2)
        parts: Sequence[tuple[str, Tensor]] = (
            ("input_layernorm", layer.attention_norm.weight),
            ("self_attn.q_proj", query),
            ("self_attn.k_proj", key),
            ("self_attn.v_proj", value),
            ("self_attn.o_proj", layer.output.weight),
            ("post_attention_layernorm", layer.feed_forward_norm.weight),
            ("mlp.gate_proj", gate),
            ("mlp.up_proj", up),
            ("mlp.down_proj", layer.down.weight),
        )
        named |= {f"model.layers.{index}.{name}.weight": tensor for name, tensor in parts}
    return named


@torch.no_grad()
def load_network(network: Network, folder: Path) -> None:
    """Take over the weights of an exported checkpoint of the same shape; raises StateError.

    One with a smaller vocabulary gives the first rows of the embedding.
    """
    try:
        stored = load_file(folder / "model.safetensors")
    except OSError as error:
        raise StateError(f"there is no checkpoint to start from in {folder} ({error})") from error
    named = named_tensors(network)
    if EMBEDDING in stored:
        named[EMBEDDING] = named[EMBEDDING][: len(stored[EMBEDDING])]
    if {name: t.shape for name, t in named.items()} != {n: t.shape for n, t in stored.items()}:
        raise StateError(f"the checkpoint in {folder} has a different shape from the network")
    for name, tensor in named.items():
        tensor.copy_(stored[name])  # parts of a merged matrix are views of it


def _tokenizer_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    known = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
    return [path / name for name in known if (path / name).is_file()]


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
