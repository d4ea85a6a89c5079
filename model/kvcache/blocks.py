"""Physical pages and the blocks that stand on them. Pure bookkeeping: no tensor is touched.

A *page* is a piece of device storage for `page_size` positions of one layer
group. A *block* is the content: it lies on a device page or in a host slot,
is held by any number of sequences (`refs`), and some of these are running
(`pins`), which keeps it on the device.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

MoveKind = Literal["copy", "out", "in"]


@dataclass(frozen=True, slots=True)
class Move:
    """One page to move before a step: device to device, device to host, host to device.

    `source` and `target` are page numbers or host slots as `kind` says. Moves
    must be carried out in order: a page freed by one may be filled by the next.
    """

    group: int
    kind: MoveKind
    source: int
    target: int


@dataclass(slots=True, eq=False)
class Block:
    """`page_size` positions of one layer group, on the device (`page`) or the host (`host`).

    `key` names the content in the prefix index; a block with a key is complete
    and never written again.
    """

    page: int | None
    host: int | None = None
    refs: int = 1
    pins: int = 0
    key: bytes | None = None

    @property
    def writable(self) -> bool:
        """Whether its single holder may write into it."""
        return self.refs == 1 and self.key is None and self.page is not None


class BlockPool:
    """Pages of one layer group: who has them, and which contents may be found again."""

    def __init__(self, group: int, pages: int, host_slots: int) -> None:
        self.group = group
        self.pages = pages
        self.host_slots = host_slots
        self._free = list(range(pages - 1, -1, -1))
        self._free_host = list(range(host_slots - 1, -1, -1))
        self._cached: OrderedDict[bytes, Block] = OrderedDict()
        self._index: dict[bytes, Block] = {}

    @property
    def free(self) -> int:
        """Pages with no content at all."""
        return len(self._free)

    @property
    def reclaimable(self) -> int:
        """Pages that can be had without moving anything: free ones and unheld contents."""
        return len(self._free) + len(self._cached)

    @property
    def used_host(self) -> int:
        """Host slots with content."""
        return self.host_slots - len(self._free_host)

    def allocate(self) -> Block | None:
        """A fresh block held once, dropping the oldest unheld content if need be."""
        if not self._free and self._cached:
            _, oldest = self._cached.popitem(last=False)
            self._forget(oldest)
        return Block(self._free.pop()) if self._free else None

    def hold(self, block: Block) -> None:
        """One more holder."""
        if block.refs == 0 and block.key is not None:
            del self._cached[block.key]
        block.refs += 1

    def release(self, block: Block) -> None:
        """One holder less; content with a name stays findable while nobody needs the page."""
        block.refs -= 1
        if block.refs > 0:
            return
        if block.key is not None and block.page is not None:
            self._cached[block.key] = block
        else:
            self._forget(block)

    def publish(self, block: Block, key: bytes) -> None:
        """Make complete content findable under `key`; the first one published wins."""
        if key not in self._index and block.key is None:
            block.key = key
            self._index[key] = block

    def find(self, key: bytes) -> Block | None:
        """The block with this content, held or not."""
        return self._index.get(key)

    def to_host(self, block: Block) -> Move | None:
        """Move an unpinned block off the device; None when the host is full."""
        if not self._free_host or block.page is None:
            return None
        move = Move(self.group, "out", block.page, self._free_host.pop())
        self._free.append(block.page)
        block.page, block.host = None, move.target
        return move

    def to_device(self, block: Block) -> Move | None:
        """Bring a block back; None when no page can be had."""
        if block.host is None:
            return None
        fresh = self.allocate()
        if fresh is None or fresh.page is None:
            return None
        move = Move(self.group, "in", block.host, fresh.page)
        self._free_host.append(block.host)
        block.page, block.host = fresh.page, None
        return move

    def _forget(self, block: Block) -> None:
        if block.key is not None:
            del self._index[block.key]
            block.key = None
        if block.page is not None:
            self._free.append(block.page)
            block.page = None
        if block.host is not None:
            self._free_host.append(block.host)
            block.host = None

    def check(self, held: dict[int, tuple[Block, int, int]]) -> None:
        """Integrity: `held` maps id(block) to (block, holders, pinned holders), counted outside.

        Raises AssertionError naming the first broken rule.
        """
        for block, refs, pins in held.values():
            assert block.refs == refs, f"block says {block.refs} holders, counted {refs}"
            assert block.pins == pins, f"block says {block.pins} pins, counted {pins}"
            assert (block.page is None) != (block.host is None), "a block lies in one place"
            assert not block.pins or block.page is not None, "a pinned block is on the device"
        blocks = [entry[0] for entry in held.values()] + list(self._cached.values())
        pages = [b.page for b in blocks if b.page is not None] + self._free
        assert sorted(pages) == list(range(self.pages)), "each page has exactly one owner"
        slots = [b.host for b in blocks if b.host is not None] + self._free_host
        assert sorted(slots) == list(range(self.host_slots)), "each host slot has one owner"
        for key, block in self._index.items():
            assert block.key == key
            assert block.refs or key in self._cached, "an indexed block is held or cached"
        assert all(b.refs == 0 and b.key == k for k, b in self._cached.items())
