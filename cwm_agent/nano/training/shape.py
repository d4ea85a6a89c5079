"""The shape of a bundled model."""

from __future__ import annotations

from dataclasses import dataclass


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
