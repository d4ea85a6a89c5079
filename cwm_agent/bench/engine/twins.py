"""One model twice: in our engine's form and in transformers', over the same weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from model.checkpoint.weights import LayerWeights, Weights
    from model.config.config import ModelConfig


import re
import zlib
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from model.config.config import ModelConfig


ShapeName = Literal["nano", "135m", "tiny"]
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
_RESERVED = 2  # ids that begin and end a message


def shape_config(name: ShapeName) -> ModelConfig:
    """nano: CWM of 2.8M parameters, window 256. 135m: Llama. tiny: CWM, for trying out."""
    if name == "nano":
        return _config("cwm", (6, 192, 512, 6, 2, 32, 2048), window=256, full=(0, 4, 5))
    if name == "tiny":
        return _config("cwm", (3, 32, 48, 4, 2, 8, 512), window=16, full=(0, 2))
    return _config("llama", (30, 576, 1536, 9, 3, 64, 49_152), window=None, full=tuple(range(30)))


def _config(
    kind: str, sizes: tuple[int, ...], *, window: int | None, full: tuple[int, ...]
) -> ModelConfig:
    from model.config.config import ModelConfig

    layers, hidden, intermediate, heads, kv_heads, head_dim, vocabulary = sizes
    return ModelConfig(
        model_type=kind,
        layers=layers,
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=vocabulary,
        context=131_072,
        norm_eps=1e-5,
        windows=tuple(None if layer in full else window for layer in range(layers)),
        rope_theta=1e6,
        rope_scaling=None,
        tied_embeddings=True,
        bos_id=0,
        eos_ids=(1,),
        dtype=None,
    )


def hashed_ids(text: str, vocabulary: int) -> list[int]:
    """Words, runs of blanks and single signs as ids: equal pieces get equal ids.

    Keeps what matters for speed, where text repeats itself; two pieces may share an id.
    """
    return [
        _RESERVED + zlib.crc32(piece.encode()) % (vocabulary - _RESERVED)
        for piece in _PIECE.findall(text)
    ]


_SPREAD = 8.0
"""Random layers are scaled up by this: at the usual small scale a model with tied embeddings
repeats its last token for ever, which would flatter every guess at the next tokens."""


@dataclass(frozen=True, slots=True)
class Twins:
    """`theirs` is transformers' model; `encode` turns text to ids."""

    name: str
    config: ModelConfig
    weights: Weights
    theirs: Any
    encode: Callable[[str], list[int]]


def from_shape(name: ShapeName) -> Twins:
    """Random weights of a shape, in the device's usual number format. Raises DeviceError."""
    from model.checkpoint.weights import random_weights
    from model.device import choose_device, choose_dtype

    config, device = shape_config(name), choose_device("auto")
    dtype = choose_dtype("auto", stored=None, device=device)
    weights = random_weights(config, seed=0, device=device, dtype=dtype)
    for layer in weights.layers:
        for matrix in _matrices(layer):
            matrix.mul_(_SPREAD)
    encode = partial(hashed_ids, vocabulary=config.vocabulary)
    return Twins(f"random:{name}", config, weights, transformers_twin(config, weights), encode)


def from_folder(folder: Path) -> Twins:
    """A checkpoint with its own tokenizer. Raises what `load_checkpoint` does."""
    from model.checkpoint.open import load_checkpoint

    loaded = load_checkpoint(folder)
    return Twins(
        folder.resolve().name,
        loaded.config,
        loaded.weights,
        transformers_twin(loaded.config, loaded.weights),
        loaded.tokenizer.encode_text,
    )


def parameter_count(config: ModelConfig) -> int:
    """Numbers in all tensors of the model."""
    from model.checkpoint.weights import tensor_shapes

    return sum(math.prod(shape) for shape in tensor_shapes(config).values())


def _matrices(layer: LayerWeights) -> list[Tensor]:
    """The matrices of one layer; they are plain, as nothing here asks for quantised ones."""
    from torch import Tensor

    found = (layer.qkv, layer.output, layer.gate_up, layer.down)
    return [matrix for matrix in found if isinstance(matrix, Tensor)]


def transformers_twin(config: ModelConfig, weights: Weights) -> Any:
    """A CwmForCausalLM or LlamaForCausalLM whose parameters are views of `weights`."""
    import torch
    from transformers import CwmConfig, CwmForCausalLM, LlamaConfig, LlamaForCausalLM

    from model.config.hf import to_config_json

    kinds: dict[str, tuple[Any, Any]] = {
        "cwm": (CwmConfig, CwmForCausalLM),
        "llama": (LlamaConfig, LlamaForCausalLM),
    }
    settings, model = kinds[config.model_type]
    dtype = str(weights.embedding.dtype).removeprefix("torch.")
    # A padding token must be one of the vocabulary, whatever is the usual one.
    written = to_config_json(config, dtype) | {"pad_token_id": 0}
    with torch.device(weights.embedding.device):
        theirs = model(settings.from_dict(written))
    theirs.load_state_dict(_state(config, weights), assign=True, strict=True)
    theirs.requires_grad_(False)
    # `generate` takes what its caller leaves open from here; no token shall end an answer.
    theirs.generation_config.eos_token_id = None
    return theirs.eval()


def _state(config: ModelConfig, weights: Weights) -> dict[str, Tensor]:
    """Our merged matrices cut into the ones of transformers, without a copy."""
    queries, keys = config.heads * config.head_dim, config.kv_heads * config.head_dim
    state = {
        "model.embed_tokens.weight": weights.embedding,
        "model.norm.weight": weights.norm,
        "lm_head.weight": weights.head,
    }
    for index, layer in enumerate(weights.layers):
        qkv, output, gate_up, down = _matrices(layer)
        query, key, value = qkv[:queries], qkv[queries:-keys], qkv[-keys:]
        gate, up = gate_up.chunk(2)
        parts = {
            "input_layernorm": layer.attention_norm,
            "self_attn.q_proj": query,
            "self_attn.k_proj": key,
            "self_attn.v_proj": value,
            "self_attn.o_proj": output,
            "post_attention_layernorm": layer.feed_forward_norm,
            "mlp.gate_proj": gate,
            "mlp.up_proj": up,
            "mlp.down_proj": down,
        }
        state |= {f"model.layers.{index}.{name}.weight": part for name, part in parts.items()}
    return state
