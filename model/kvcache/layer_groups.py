"""How layers share KV storage: one group for full attention, one for each window size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers that keep the same positions. `window` counts the query itself; None keeps all."""

    layers: tuple[int, ...]
    window: int | None

    def first_needed(self, position: int) -> int:
        """The oldest position that a query at `position` still sees."""
        return 0 if self.window is None else max(0, position - self.window + 1)


def group_layers(windows: Sequence[int | None]) -> tuple[LayerGroup, ...]:
    """Group layer numbers by window; `windows[i]` is layer i's window or None for full."""
    kinds = sorted(set(windows), key=lambda window: (window is not None, window or 0))
    return tuple(
        LayerGroup(tuple(i for i, w in enumerate(windows) if w == window), window)
        for window in kinds
    )


def pages_for(group: LayerGroup, tokens: int, chunk: int, page_size: int) -> int:
    """Most pages that one sequence of `tokens` holds in `group` while it runs `chunk` at a time.

    A window group keeps the window behind the oldest new position plus the
    chunk itself, and at either end a page may be only partly used.
    """
    whole = -(-tokens // page_size)
    if group.window is None:
        return whole
    span = group.window - 1 + chunk
    return min(whole, -(-span // page_size) + 1)


def kv_bytes(
    groups: Sequence[LayerGroup], tokens: int, kv_heads: int, head_dim: int, itemsize: int
) -> int:
    """Bytes of keys and values that a resting session of `tokens` needs, without page rounding.

    2 (K and V) x heads x head_dim x itemsize per token and layer; a window
    layer keeps at most one window (CWM: 4096 B per token and layer in bf16, so
    68 KiB per token over its 17 full layers and a constant 1.47 GiB for the 47
    window layers).
    """
    per_layer = 2 * kv_heads * head_dim * itemsize
    return sum(
        per_layer * len(g.layers) * (tokens if g.window is None else min(tokens, g.window))
        for g in groups
    )
