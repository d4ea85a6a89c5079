"""How memory for keys and values is cut into pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from model.config.config import ModelConfig
from model.errors import PoolTooSmallError
from model.kvcache.layer_groups import LayerGroup, group_layers, pages_for

TYPICAL_TOKENS = 16_384  # length of an agent's session, by which groups share the memory
_MOST_SESSIONS = 256  # a small model leaves memory free rather than hold pages for more


@dataclass(frozen=True, slots=True)
class PagePlan:
    """Pages and host slots of each layer group, and the longest context that they allow."""

    pages: tuple[int, ...]
    host_slots: tuple[int, ...]
    context: int


@dataclass(frozen=True, slots=True)
class PageCosts:
    """What sessions cost in pages and bytes.

    `config` is what one device computes (a shard, see `model.config.shards`);
    `itemsize` the bytes of one number; prompts run `chunk` tokens at a time.
    """

    config: ModelConfig
    itemsize: int
    page_size: int
    chunk: int

    @property
    def groups(self) -> tuple[LayerGroup, ...]:
        """The layer groups, one pool each."""
        return group_layers(self.config.windows)

    @property
    def page_bytes(self) -> tuple[int, ...]:
        """Bytes of one page of each group."""
        per_token = 2 * self.config.kv_heads * self.config.head_dim * self.itemsize
        return tuple(len(group.layers) * per_token * self.page_size for group in self.groups)

    def pages(self, tokens: int) -> tuple[int, ...]:
        """Most pages of each group for one running session, and one kept for copy-on-write."""
        return tuple(
            pages_for(group, tokens, self.chunk, self.page_size) + 1 for group in self.groups
        )

    def bytes_of(self, pages: tuple[int, ...]) -> int:
        """Bytes of so many pages of each group."""
        return sum(count * each for count, each in zip(pages, self.page_bytes, strict=True))

    def session(self, tokens: int) -> int:
        """Bytes of one running session of `tokens`."""
        return self.bytes_of(self.pages(tokens))


def plan_pages(
    costs: PageCosts, kv_bytes: int, *, host_bytes: int = 0, typical: int = TYPICAL_TOKENS
) -> PagePlan:
    """Cut the memory so that one long session fits and those of `typical` tokens fill it evenly.

    Raises PoolTooSmallError when not even a short sequence fits.
    """
    most = costs.config.context
    context = largest(most, lambda tokens: costs.session(tokens) <= kv_bytes)
    if context < 2:
        raise PoolTooSmallError(
            f"{kv_bytes} bytes of KV memory hold no sequence (one page of all layers "
            f"takes {sum(costs.page_bytes)} bytes); give the engine more KV memory"
        )
    usual, longest = costs.pages(min(context, typical)), costs.pages(context)

    def shared(sessions: int) -> tuple[int, ...]:
        return tuple(max(sessions * u, least) for u, least in zip(usual, longest, strict=True))

    room = min(kv_bytes // costs.bytes_of(usual), _MOST_SESSIONS)
    pages = shared(largest(room, lambda n: costs.bytes_of(shared(n)) <= kv_bytes))
    host = host_bytes // max(1, costs.bytes_of(usual))
    return PagePlan(pages, tuple(host * count for count in usual), context)


def largest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which `fits` holds (it holds for all smaller ones)."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low
