"""The CWM decoder as a trainable module.

The computation is that of `model.runner.transformer`, for many rows at once and with
gradients. Rows are padded at the right: no query sees a later key, so padding
changes nothing before it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cwm_agent.nano.training.attention import (
    full_attention,
    full_mask,
    sliding_attention,
    sliding_mask,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a CWM decoder with tied embeddings.

    `window` is the number of keys that a query of a sliding layer sees, itself
    included. Layer 0, the middle one and the last one see everything.
    """

    vocabulary: int
    hidden: int = 256
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 512
    window: int = 256
    theta: float = 1e6
    norm_eps: float = 1e-5

    @property
    def full_layers(self) -> tuple[int, ...]:
        """Numbers of the layers with full attention, in order."""
        return tuple(sorted({0, self.layers // 2, self.layers - 1}))

    @property
    def parameters(self) -> int:
        """How many numbers the model consists of."""
        attention = (2 * self.heads + 2 * self.kv_heads) * self.head_dim * self.hidden
        layer = attention + 3 * self.ffn * self.hidden + 2 * self.hidden
        return self.layers * layer + self.vocabulary * self.hidden + self.hidden


_EMBEDDING_STD = 0.5  # tokens must be told apart from the start, else copying is not learned
_FINAL_NORM = 0.03  # keeps the first logits small in spite of such embeddings
_MATRIX_STD = 0.02


class Norm(nn.Module):
    """RMSNorm, computed in fp32."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        """(..., size) -> the same shape and number format."""
        wide = hidden.float()
        scaled = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (scaled * self.weight).to(hidden.dtype)


class Layer(nn.Module):
    """One decoder layer; query, key and value are one matrix, and so are gate and up."""

    def __init__(self, shape: Shape, *, full: bool) -> None:
        super().__init__()
        width = shape.heads * shape.head_dim
        merged = width + 2 * shape.kv_heads * shape.head_dim
        self.parts = [shape.heads, shape.kv_heads, shape.kv_heads]
        self.head_dim = shape.head_dim
        self.window = None if full else shape.window
        self.attention_norm = Norm(shape.hidden, shape.norm_eps)
        self.qkv = nn.Linear(shape.hidden, merged, bias=False)
        self.output = nn.Linear(width, shape.hidden, bias=False)
        self.feed_forward_norm = Norm(shape.hidden, shape.norm_eps)
        self.gate_up = nn.Linear(shape.hidden, 2 * shape.ffn, bias=False)
        self.down = nn.Linear(shape.ffn, shape.hidden, bias=False)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """(rows, tokens, hidden) -> the same; cos and sin (tokens, 1, head_dim / 2).

        `mask` is that of the layer's kind of attention.
        """
        merged = self.qkv(self.attention_norm(hidden))
        merged = torch.unflatten(merged, -1, (-1, self.head_dim))
        query, key, value = torch.split(merged, self.parts, dim=2)
        query, key = rotate(query, cos, sin), rotate(key, cos, sin)
        if self.window is None:
            mixed = full_attention(query, key, value, mask)
        else:
            mixed = sliding_attention(query, key, value, self.window, mask)
        hidden = hidden + self.output(mixed)
        gate, up = self.gate_up(self.feed_forward_norm(hidden)).chunk(2, -1)
        added: Tensor = hidden + self.down(functional.silu(gate) * up)
        return added


class Head(nn.Module):
    """Final norm, output matrix and loss in one, so that they are compiled together."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm = Norm(shape.hidden, shape.norm_eps)

    def logits(self, hidden: Tensor, embedding: Tensor, places: Tensor) -> Tensor:
        """(rows, tokens, hidden) -> (count, vocabulary) at flattened `places` (count,)."""
        return functional.linear(self.norm(hidden.flatten(0, 1)[places]), embedding)

    def forward(
        self, hidden: Tensor, embedding: Tensor, places: Tensor, targets: Tensor, weights: Tensor
    ) -> Tensor:
        """Mean cross-entropy in nats at `places`, weighted; a scalar."""
        logits = self.logits(hidden, embedding, places).float()
        each = functional.cross_entropy(logits, targets, reduction="none")
        return (each * weights).sum() / weights.sum()


class Network(nn.Module):
    """The whole model; the embedding is the output matrix too."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Parameter(torch.empty(shape.vocabulary, shape.hidden))
        self.layers = nn.ModuleList(
            Layer(shape, full=index in shape.full_layers) for index in range(shape.layers)
        )
        self.head = Head(shape)

    def forward(self, ids: Tensor, places: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """The loss of predicting `targets` after the tokens at `places`, a scalar.

        ids (rows, tokens) of int64; places (count,) of int64 are positions in
        the flattened ids, targets (count,) ids, weights (count,) fp32.
        """
        loss: Tensor = self.head(self.hidden(ids), self.embedding, places, targets, weights)
        return loss

    def logits(self, ids: Tensor) -> Tensor:
        """(rows, tokens) -> (rows, tokens, vocabulary), for tests."""
        every = torch.arange(ids.numel(), device=ids.device)
        flat = self.head.logits(self.hidden(ids), self.embedding, every)
        return flat.view(*ids.shape, -1)

    def hidden(self, ids: Tensor) -> Tensor:
        """What leaves the last layer, (rows, tokens) -> (rows, tokens, hidden)."""
        tokens = ids.shape[1]
        cos, sin = angles(tokens, self.shape, ids.device)
        full = full_mask(tokens, ids.device)
        sliding = sliding_mask(tokens, self.shape.window, ids.device)
        hidden = functional.embedding(ids, self.embedding)
        for index, layer in enumerate(self.layers):
            mask = full if index in self.shape.full_layers else sliding
            hidden = layer(hidden, cos, sin, mask)
        return hidden

    def compile_parts(self) -> None:
        """Compile layer by layer: all layers of a kind share the code of a batch shape."""
        torch._dynamo.config.recompile_limit = 64  # one for each kind of layer and batch shape
        for layer in self.layers:
            layer.compile(dynamic=False)
        self.head.compile(dynamic=True)

    @torch.no_grad()
    def initialise(self, seed: int) -> None:
        """Draw all weights; the same seed gives the same ones on every device."""
        generator = torch.Generator().manual_seed(seed)
        into_residual = _MATRIX_STD / (2 * self.shape.layers) ** 0.5
        for name, weight in self.named_parameters():
            if weight.ndim == 1:
                weight.fill_(1.0)
                continue
            std = into_residual if name.endswith(("output.weight", "down.weight")) else _MATRIX_STD
            std = _EMBEDDING_STD if name == "embedding" else std
            weight.copy_(torch.randn(weight.shape, generator=generator) * std)
        self.head.norm.weight.fill_(_FINAL_NORM)


def angles(tokens: int, shape: Shape, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotation at each position, each (tokens, 1, head_dim / 2), fp32."""
    pairs = torch.arange(0, shape.head_dim, 2, dtype=torch.float32, device=device)
    speeds = 1.0 / shape.theta ** (pairs / shape.head_dim)
    turned = torch.arange(tokens, dtype=torch.float32, device=device)[:, None] * speeds
    return turned.cos()[:, None], turned.sin()[:, None]


def rotate(heads: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding, (rows, tokens, heads, head_dim); dimension i goes with i + head_dim / 2."""
    first, second = heads.float().chunk(2, -1)
    turned = torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
    return turned.to(heads.dtype)
