"""Where keys and values really lie: one pool of tensors per layer group, and its host copies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from model.cache.blocks import Move
from model.cache.layout import LayerGroup


class KVStorage:
    """Pages of all layers of all groups.

    Per layer, keys and values are (kv_heads, slots, head_dim): a page is
    `page_size` neighbouring slots, so a sequence's keys are one index_select
    away. Host pages exist only where a group has host slots.
    """

    def __init__(
        self,
        groups: Sequence[LayerGroup],
        *,
        pages: Sequence[int],
        host_slots: Sequence[int],
        page_size: int,
        kv_heads: int,
        head_dim: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.page_size = page_size
        self.group_of = {layer: g for g, group in enumerate(groups) for layer in group.layers}
        self._place = {layer: i for group in groups for i, layer in enumerate(group.layers)}
        pinned = device.type == "cuda"

        def empty(layers: int, count: int, where: torch.device, pin: bool) -> Tensor:
            shape = (layers, 2, kv_heads, count * page_size, head_dim)
            return torch.zeros(shape, device=where, dtype=dtype, pin_memory=pin)

        counts = [len(group.layers) for group in groups]
        self._device = [empty(n, p, device, False) for n, p in zip(counts, pages, strict=True)]
        cpu = torch.device("cpu")
        self._host = [
            empty(n, h, cpu, pinned and h > 0) for n, h in zip(counts, host_slots, strict=True)
        ]

    @property
    def bytes(self) -> int:
        """Device bytes of all pages."""
        return sum(pool.nbytes for pool in self._device)

    def write(self, layer: int, slots: Tensor, keys: Tensor, values: Tensor) -> None:
        """Store new tokens; slots (tokens,), keys and values (tokens, kv_heads, head_dim)."""
        pool = self._device[self.group_of[layer]][self._place[layer]]
        pool[0].index_copy_(1, slots, keys.transpose(0, 1))
        pool[1].index_copy_(1, slots, values.transpose(0, 1))

    def read(self, layer: int, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values at slots (n,), each (kv_heads, n, head_dim)."""
        pool = self._device[self.group_of[layer]][self._place[layer]]
        return pool[0].index_select(1, slots), pool[1].index_select(1, slots)

    def carry_out(self, moves: Sequence[Move]) -> None:
        """Move pages in the given order."""
        for move in moves:
            device, host = self._device[move.group], self._host[move.group]
            source = host if move.kind == "in" else device
            target = host if move.kind == "out" else device
            self._page(target, move.target).copy_(self._page(source, move.source))

    def _page(self, pool: Tensor, page: int) -> Tensor:
        return pool[:, :, :, page * self.page_size : (page + 1) * self.page_size]
