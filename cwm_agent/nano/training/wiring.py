"""Heads that copy from the first step on, wired by hand into fresh weights.

A head of layer 0 looks at the previous token and writes its identity beside
that of the current one. A head of the middle layer (full attention) looks for
the place whose previous token is the current one and predicts what stands
there. Training may change all of it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cwm_agent.nano.training.network import Layer, Network

_CONSTANT = 2.0  # value of the one dimension that is the same in all embeddings
_POSITION_SCORE = 12.0  # score of each fast pair at the right distance
_FAST_PAIRS = 8
_MATCH_SCORE = 24.0
_COPY_GAIN = 8.0


@torch.no_grad()
def wire(network: Network, seed: int) -> None:
    """Add a previous-token head and an induction head to freshly drawn weights."""
    shape = network.shape
    known = shape.head_dim // 2  # numbers that tell a token from others
    generator = torch.Generator().manual_seed(seed)
    square = torch.randn(shape.hidden - 1, shape.hidden - 1, generator=generator)
    basis = torch.linalg.qr(square).Q.T
    rows = torch.cat((torch.zeros(len(basis), 1), basis), 1).to(network.embedding.device)
    identity, previous = rows[:known], rows[known : 2 * known]
    copied = rows[2 * known : 2 * known + shape.head_dim]
    network.embedding[:, 0] = _CONSTANT
    layers = [layer for layer in network.layers if isinstance(layer, Layer)]
    _look_back_one(layers[0], identity, previous, shape.theta)
    _look_for_match(layers[shape.layers // 2], identity, previous, copied)


def _look_back_one(layer: Layer, identity: Tensor, previous: Tensor, theta: float) -> None:
    """The first head: position alone decides, the identity is what it hands on."""
    query, key, value, output = _first_head(layer)
    half = layer.head_dim // 2
    speeds = 1.0 / theta ** (torch.arange(_FAST_PAIRS) / half)
    # With a constant c in the normalised input, a pair scores (a c)^2 / sqrt(head_dim).
    size = (_POSITION_SCORE * layer.head_dim**0.5) ** 0.5 / (2 * _CONSTANT)
    query.zero_()
    key.zero_()
    key[:_FAST_PAIRS, 0] = size
    query[:_FAST_PAIRS, 0] = size * speeds.cos()
    query[half : half + _FAST_PAIRS, 0] = -size * speeds.sin()
    value.zero_()
    output.zero_()
    value[: len(identity)] = identity
    # The input is normalised to twice the size of the embedding.
    output[:, : len(identity)] = 0.5 * previous.T


def _look_for_match(layer: Layer, identity: Tensor, previous: Tensor, copied: Tensor) -> None:
    """The induction head; matching is left to the slow pairs, which distance hardly turns."""
    query, key, value, output = _first_head(layer)
    half = layer.head_dim // 2
    slow = half // 2
    match = len(identity)  # squared length of a normalised identity is about this
    size = (_MATCH_SCORE * layer.head_dim**0.5 / match) ** 0.5
    places = [*range(half - slow, half), *range(layer.head_dim - slow, layer.head_dim)]
    query.zero_()
    key.zero_()
    query[places] = size * identity
    key[places] = size * previous
    value.copy_(copied)
    output.copy_(_COPY_GAIN * 0.5 * copied.T)


def _first_head(layer: Layer) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Views of its query, key and value (head_dim, hidden) and output (hidden, head_dim)."""
    heads, kv_heads, _ = layer.parts
    weight, size = layer.qkv.weight, layer.head_dim
    key, value = heads * size, (heads + kv_heads) * size
    return (
        weight[:size],
        weight[key : key + size],
        weight[value : value + size],
        layer.output.weight[:, :size],
    )
