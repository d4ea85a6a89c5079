"""Model weights: strict loading of a checkpoint, or random ones by configuration.

Tensor names are those of Hugging Face CWM and Llama checkpoints. Query, key and
value projections become one matrix, and so do gate and up: one multiplication
instead of three or two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from model.checkpoint.layouts import open_tensors
from model.config.config import ModelConfig
from model.config.shards import WHOLE, Shard
from model.errors import CheckpointError
from model.ops.linear import LinearWeight

EMBEDDING = "model.embed_tokens.weight"
NORM = "model.norm.weight"
HEAD = "lm_head.weight"

_INIT_STD = 0.02


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """One decoder layer; matrices are (out, in), plain or quantised (see `model.ops.linear`)."""

    attention_norm: Tensor  # (hidden,)
    qkv: LinearWeight  # ((heads + 2 * kv_heads) * head_dim, hidden): queries, keys, values
    output: LinearWeight  # (hidden, heads * head_dim)
    feed_forward_norm: Tensor  # (hidden,)
    gate_up: LinearWeight  # (2 * intermediate, hidden): gate, up
    down: LinearWeight  # (hidden, intermediate)


@dataclass(frozen=True, slots=True)
class Weights:
    """All weights of a model, on one device and in one number format."""

    embedding: Tensor  # (vocabulary, hidden)
    layers: tuple[LayerWeights, ...]
    norm: Tensor  # (hidden,)
    head: Tensor  # (vocabulary, hidden); the embedding itself when tied


class TensorSource(Protocol):
    """A checkpoint's tensors under Hugging Face names, whatever files they lie in."""

    folder: Path
    shape_file: str  # the name of the file with the configuration, for messages
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]  # number formats, such as "bfloat16"

    def read(self, name: str, part: tuple[slice, ...] | None = None) -> Tensor:
        """One tensor or that part of it, on the device, in its stored number format.

        Raises CheckpointError.
        """

    def stored_as(self, name: str) -> str:
        """What the files call this tensor."""


LayerConverter = Callable[[LayerWeights], LayerWeights]


def load_weights(
    folder: Path,
    config: ModelConfig,
    *,
    device: torch.device,
    dtype: torch.dtype,
    shard: Shard = WHOLE,
    convert: LayerConverter | None = None,
) -> Weights:
    """Load the weights of a folder in either layout (see `model.checkpoint.layouts`).

    Only the part of `shard` is kept (see `model.config.shards`). `convert` is applied
    to each layer as soon as it is read (quantisation), so that never more than
    one layer exists twice. Raises CheckpointError when a file is missing or
    damaged, or when the names and shapes are not exactly those that `config`
    asks for.
    """
    with open_tensors(folder, config, device) as files:
        check_names(files, config)
        shapes = tensor_shapes(config)

        def read(name: str) -> Tensor:
            part = None if shard == WHOLE else shard.of(name, shapes[name])
            return files.read(name, part).to(dtype)

        weights = _assemble(config, read, shard, convert)
        if config.tied_embeddings and HEAD in files.shapes:
            _check_tied(files, weights.embedding)
    return weights


def random_weights(
    config: ModelConfig,
    *,
    seed: int,
    device: torch.device,
    dtype: torch.dtype,
    shard: Shard = WHOLE,
    convert: LayerConverter | None = None,
) -> Weights:
    """Normally distributed weights (standard deviation 0.02) and unit norms.

    The same seed gives the same weights on the same kind of device; of each
    tensor, the part of `shard` is kept. `convert` as in `load_weights`.
    """
    generator = torch.Generator(device=device).manual_seed(seed)
    shapes = tensor_shapes(config)

    def draw(name: str) -> Tensor:
        shape = shapes[name]
        if len(shape) == 1:
            return torch.ones(shape, device=device, dtype=dtype)
        empty = torch.empty(shape, device=device, dtype=dtype)
        drawn = empty.normal_(0.0, _INIT_STD, generator=generator)
        part = drawn[shard.of(name, shape)]
        return part if part.shape == shape else part.clone()  # lets go of the rest

    return _assemble(config, draw, shard, convert)


def held_bytes(weights: Weights) -> int:
    """Bytes of all tensors; a head that is the embedding counts once."""
    tensors = [weights.embedding, weights.norm]
    if weights.head.data_ptr() != weights.embedding.data_ptr():
        tensors.append(weights.head)
    for layer in weights.layers:
        tensors += [layer.attention_norm, layer.feed_forward_norm]
        for matrix in (layer.qkv, layer.output, layer.gate_up, layer.down):
            tensors += [matrix] if isinstance(matrix, Tensor) else [matrix.values, matrix.scales]
    return sum(tensor.nbytes for tensor in tensors)


def tensor_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that a checkpoint of this shape must hold."""
    hidden, inner = config.hidden, config.intermediate
    queries, keys = config.heads * config.head_dim, config.kv_heads * config.head_dim
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (config.vocabulary, hidden), NORM: (hidden,)}
    if not config.tied_embeddings:
        shapes[HEAD] = (config.vocabulary, hidden)
    for index in range(config.layers):
        layer = f"model.layers.{index}."
        shapes |= {
            layer + "input_layernorm.weight": (hidden,),
            layer + "self_attn.q_proj.weight": (queries, hidden),
            layer + "self_attn.k_proj.weight": (keys, hidden),
            layer + "self_attn.v_proj.weight": (keys, hidden),
            layer + "self_attn.o_proj.weight": (hidden, queries),
            layer + "post_attention_layernorm.weight": (hidden,),
            layer + "mlp.gate_proj.weight": (inner, hidden),
            layer + "mlp.up_proj.weight": (inner, hidden),
            layer + "mlp.down_proj.weight": (hidden, inner),
        }
    return shapes


def _assemble(
    config: ModelConfig,
    read: Callable[[str], Tensor],
    shard: Shard,
    convert: LayerConverter | None,
) -> Weights:
    """Take tensors (`shard` of them) by name and merge those that are multiplied together."""

    def layer(index: int) -> LayerWeights:
        prefix = f"model.layers.{index}."

        def merged(*names: str) -> Tensor:
            return torch.cat([read(f"{prefix}{name}.weight") for name in names])

        plain = LayerWeights(
            attention_norm=merged("input_layernorm"),
            qkv=merged("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            output=merged("self_attn.o_proj"),
            feed_forward_norm=merged("post_attention_layernorm"),
            gate_up=merged("mlp.gate_proj", "mlp.up_proj"),
            down=merged("mlp.down_proj"),
        )
        return convert(plain) if convert else plain

    embedding = read(EMBEDDING)
    return Weights(
        embedding=embedding,
        layers=tuple(layer(index) for index in range(config.layers)),
        norm=read(NORM),
        head=_tied_head(embedding, shard) if config.tied_embeddings else read(HEAD),
    )


def _tied_head(embedding: Tensor, shard: Shard) -> Tensor:
    return embedding if shard == WHOLE else embedding[shard.of(HEAD, embedding.shape)]


def check_names(files: TensorSource, config: ModelConfig) -> None:
    """Names and shapes must agree in both directions; raises CheckpointError with all differences.

    Old Llama exports also store the RoPE frequencies, which follow from the configuration.
    """
    shapes = tensor_shapes(config)
    known = {name for name in files.shapes if not name.endswith("rotary_emb.inv_freq")}
    optional = {HEAD} if config.tied_embeddings else set()
    problems = {
        "missing": sorted(map(files.stored_as, shapes.keys() - known)),
        "unexpected": sorted(map(files.stored_as, known - shapes.keys() - optional)),
        "wrong shape": [
            f"{files.stored_as(name)} is {list(files.shapes[name])}, expected {list(shape)}"
            for name, shape in shapes.items()
            if name in known and files.shapes[name] != shape
        ],
    }
    if found := [f"{kind}: {_listed(names)}" for kind, names in problems.items() if names]:
        raise CheckpointError(
            f"the tensors in {files.folder} do not fit its {files.shape_file} "
            f"({'; '.join(found)}); use the {files.shape_file} and weight files of the same "
            "checkpoint"
        )


def _listed(names: list[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _check_tied(files: TensorSource, embedding: Tensor) -> None:
    """A stored head beside tied embeddings must be the same matrix."""
    head = files.read(HEAD).to(embedding.dtype)
    if head.shape != embedding.shape or not torch.equal(head, embedding):
        raise CheckpointError(
            f"config.json ties the embeddings, but {HEAD} in {files.folder} differs from "
            f"{EMBEDDING}; set tie_word_embeddings to false if the head is separate"
        )
