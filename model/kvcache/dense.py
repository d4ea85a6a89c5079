"""The simplest key/value cache: one growing tensor pair a layer."""

from __future__ import annotations

import torch
from torch import Tensor

from model.config.config import ModelConfig

_FIRST_CAPACITY = 256


class DenseCache:
    """Keys and values of one sequence, all layers, all positions.

    `length` is the number of tokens that every layer holds. It grows only by
    `commit`, so a forward pass that fails half-way leaves the cache as it was.
    Per layer and side: (kv_heads, capacity, head_dim).
    """

    def __init__(self, config: ModelConfig, device: torch.device, dtype: torch.dtype) -> None:
        self._config = config
        self._device = device
        self._dtype = dtype
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._capacity = 0
        self.length = 0

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store the newest tokens of one layer; return all that they may see.

        keys, values (tokens, kv_heads, head_dim) in; (kv_heads, seen, head_dim)
        out, ending with the new tokens. A window layer's result leaves out what
        lies before the first new token's window.
        """
        end = self.length + keys.shape[0]
        self._reserve(end)
        self._keys[layer][:, self.length : end] = keys.transpose(0, 1)
        self._values[layer][:, self.length : end] = values.transpose(0, 1)
        window = self._config.windows[layer]
        start = 0 if window is None else max(0, self.length - window + 1)
        return self._keys[layer][:, start:end], self._values[layer][:, start:end]

    def commit(self, tokens: int) -> None:
        """Count `tokens` more tokens as stored, after all layers were extended by them."""
        self.length += tokens

    def truncate(self, length: int) -> None:
        """Forget every token from position `length` on."""
        self.length = min(self.length, length)

    def _reserve(self, needed: int) -> None:
        """Make room for `needed` tokens; doubling keeps the cost of growth linear."""
        if needed <= self._capacity:
            return
        self._capacity = max(needed, 2 * self._capacity, _FIRST_CAPACITY)
        self._keys = [self._grown(self._keys, layer) for layer in range(self._config.layers)]
        self._values = [self._grown(self._values, layer) for layer in range(self._config.layers)]

    def _grown(self, sides: list[Tensor], layer: int) -> Tensor:
        shape = (self._config.kv_heads, self._capacity, self._config.head_dim)
        grown = torch.empty(shape, device=self._device, dtype=self._dtype)
        if self.length:
            grown[:, : self.length] = sides[layer][:, : self.length]
        return grown
