"""The pages of one sequence, and how they are shared, cut and given back.

One sequence with pages of 4 tokens and a window of 8; `#` has keys and values, `-` has none yet:

    position       0    4    8    12   16   20   24   28
    ids            #### #### #### #### #### ##-- --       the engine's Sequence.ids
                                              ^ cache.length: from here on pending
    names (keys)   [0]  [1]  [2]  [3]  [4]                complete blocks only
    full group     p7   p2   p9   p0   p5   p4   p8       first = 0
    window group   .    .    .    p3   p1   p6   p2       first = 3: what no query sees is given up

Blocks up to the named ones can be shared with other sequences (a fork, the
prefix cache); `reserve` gives the pages behind `length` that the next step
writes, and copies a shared last page (p4) first. A rollback cuts from the right.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from model.kvcache.blocks import Block


@dataclass(slots=True)
class Table:
    """The blocks of one layer group: `blocks[i]` covers block number `first + i`.

    `pages[i]` repeats the block's page, as a flat array that a step plan can
    copy at once; it is kept only while the sequence runs (its blocks are pinned
    then, so pages do not move).
    """

    first: int = 0
    blocks: list[Block] = field(default_factory=list)
    pages: array[int] = field(default_factory=lambda: array("i"))

    @property
    def end(self) -> int:
        """Number of the first block after the table."""
        return self.first + len(self.blocks)

    def append(self, block: Block) -> None:
        """Add the next block."""
        self.blocks.append(block)
        self.pages.append(-1 if block.page is None else block.page)

    def replace(self, number: int, block: Block) -> None:
        """Put `block` in the place of block `number`."""
        index = number - self.first
        self.blocks[index] = block
        self.pages[index] = -1 if block.page is None else block.page

    def cut(self, number: int) -> list[Block]:
        """Take off the blocks from `number` on."""
        index = max(0, number - self.first)
        taken = self.blocks[index:]
        del self.blocks[index:], self.pages[index:]
        return taken

    def advance(self, number: int) -> list[Block]:
        """Take off the blocks before `number`."""
        count = max(0, min(number, self.end) - self.first)
        taken = self.blocks[:count]
        del self.blocks[:count], self.pages[:count]
        self.first += count
        return taken

    def refresh(self) -> None:
        """Read the pages again, after blocks were fetched."""
        self.pages = array("i", [-1 if b.page is None else b.page for b in self.blocks])


@dataclass(slots=True, eq=False)
class SequenceCache:
    """Keys and values of positions 0..length-1 (window groups: the part still needed).

    A checkpoint is a SequenceCache that nobody extends. `keys[i]` names the
    content of block i and everything before it; `tail` holds the ids of the page behind them,
    empty also where they are not known. `fetched` counts pages brought
    back from the host for this sequence.
    """

    tables: list[Table]
    length: int = 0
    keys: list[bytes] = field(default_factory=list)
    tail: tuple[int, ...] = ()
    running: bool = False
    last_use: int = 0
    fetched: int = 0

    def blocks(self) -> list[tuple[int, Block]]:
        """All (group, block) pairs held."""
        return [(g, block) for g, table in enumerate(self.tables) for block in table.blocks]


def chain_key(parent: bytes, ids: Sequence[int]) -> bytes:
    """The name of a block: a hash of its token ids and of the name of the block before it."""
    return hashlib.blake2b(array("q", ids).tobytes(), digest_size=16, key=parent).digest()


def extend_keys(keys: list[bytes], ids: Sequence[int], page_size: int, upto: int) -> None:
    """Append the names of the complete blocks below position `upto`."""
    while (len(keys) + 1) * page_size <= upto:
        start = len(keys) * page_size
        keys.append(chain_key(keys[-1] if keys else b"", ids[start : start + page_size]))
