"""Where keys and values really lie: one pool of tensors per layer group, and its host copies."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from model.kvcache.blocks import Move
from model.kvcache.layer_groups import LayerGroup


class KVStorage:
    """Pages of all layers of all groups.

    A layer is (2 * kv_heads, slots, head_dim), keys before values: a page is
    `page_size` neighbouring slots, so all that a sequence needs is one
    index_select away. Host pages exist only where a group has host slots.
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
        shapes = [(len(group.layers), 2 * kv_heads, page_size, head_dim) for group in groups]
        self._device = [_zeros(s, p, device, dtype) for s, p in zip(shapes, pages, strict=True)]
        self._layers = {
            layer: pool[i]
            for group, pool in zip(groups, self._device, strict=True)
            for i, layer in enumerate(group.layers)
        }
        cpu = torch.device("cpu")
        self._host = [_zeros(s, h, cpu, dtype) for s, h in zip(shapes, host_slots, strict=True)]
        if device.type == "cuda":
            self._host = [pool.pin_memory() if pool.numel() else pool for pool in self._host]

    @property
    def bytes(self) -> int:
        """Device bytes of all pages."""
        return sum(pool.nbytes for pool in self._device)

    def layer(self, layer: int) -> Tensor:
        """All slots of one layer, (2 * kv_heads, slots, head_dim), to read and to write."""
        return self._layers[layer]

    def carry_out(self, moves: Sequence[Move]) -> None:
        """Move pages in the given order."""
        for move in moves:
            device, host = self._device[move.group], self._host[move.group]
            source = host if move.kind == "in" else device
            target = host if move.kind == "out" else device
            self._page(target, move.target).copy_(self._page(source, move.source))

    def _page(self, pool: Tensor, page: int) -> Tensor:
        return pool[:, :, page * self.page_size : (page + 1) * self.page_size]


def _zeros(
    shape: tuple[int, int, int, int], pages: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """A pool of pages; `shape` is that of one page.

    On a CPU the memory comes from calloc, so that the system hands it out only
    when a page is first written: torch.zeros would touch all of it at once.
    """
    layers, heads, size, head_dim = shape
    whole = (layers, heads, pages * size, head_dim)
    if device.type != "cpu" or not pages:
        return torch.zeros(whole, device=device, dtype=dtype)
    flat = np.zeros(math.prod(whole) * dtype.itemsize, dtype=np.uint8)
    return torch.from_numpy(flat).view(dtype).view(whole)
