"""What a new sequence may begin with: known contents, found by name, and parts of their pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

from model.kvcache.blocks import Block, BlockPool
from model.kvcache.layer_groups import LayerGroup
from model.kvcache.sequence_cache import SequenceCache

Part = tuple[tuple[int, ...], list[Block]]
"""Ids of a page from its beginning, and its blocks, one a group."""
MOST_FOLLOWERS = 16
"""Contents that are remembered to have come after one block; the oldest goes first."""


def longest_match(
    keys: Sequence[bytes], groups: Sequence[LayerGroup], pools: Sequence[BlockPool], page_size: int
) -> int:
    """The largest number of blocks of these names that every group can serve.

    Full groups must match from the left; a window group needs only the blocks that
    the query at the end of the match still sees.
    """
    runs = [0] * len(groups)  # consecutive hits that end at the current block
    best = 0
    for number, key in enumerate(keys, start=1):
        for g, pool in enumerate(pools):
            runs[g] = runs[g] + 1 if pool.find(key) is not None else 0
        both = list(zip(runs, groups, strict=True))
        if any(run < number for run, group in both if group.window is None):
            break
        end = number * page_size
        if all(run >= number - group.first_needed(end) // page_size for run, group in both):
            best = number
    return best


class Followers:
    """By the name of a block: names and ids of the complete blocks that came after it.

    At most `most` parents are remembered. A name may be of a content that is gone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: OrderedDict[bytes, OrderedDict[bytes, tuple[int, ...]]] = OrderedDict()

    def note(self, keys: Sequence[bytes], since: int, ids: Sequence[int], page_size: int) -> None:
        """The blocks of a sequence from number `since` on are complete, and hold these of `ids`."""
        for number in range(max(since, 1), len(keys)):
            after = self._known.setdefault(keys[number - 1], OrderedDict())
            self._known.move_to_end(keys[number - 1])
            after[keys[number]] = tuple(ids[number * page_size : (number + 1) * page_size])
            after.move_to_end(keys[number])
            if len(after) > MOST_FOLLOWERS:
                after.popitem(last=False)
            if len(self._known) > self._most:
                self._known.popitem(last=False)

    def after(self, parent: bytes, pools: Sequence[BlockPool]) -> Iterator[Part]:
        """Those that every pool still has."""
        for key, ids in self._known.get(parent, {}).items():
            found = [pool.find(key) for pool in pools]
            blocks = [block for block in found if block is not None]
            if len(blocks) == len(found):
                yield ids, blocks


def open_ends(parent: bytes, number: int, holders: Iterable[SequenceCache]) -> Iterator[Part]:
    """The unfinished pages `number` that stand behind the block `parent`."""
    for holder in holders:
        if len(holder.keys) == number and holder.tail and holder.keys[-1] == parent:
            tables = holder.tables
            if all(table.first <= number < table.end for table in tables):
                yield holder.tail, [table.blocks[number - table.first] for table in tables]


def longest_part(wanted: Sequence[int], known: Iterable[Part]) -> tuple[int, list[Block]]:
    """The largest number of wanted ids that a page begins with, and its blocks; (0, []) if none."""
    lengths = ((common(wanted, ids), blocks) for ids, blocks in known)
    return max(lengths, key=lambda found: found[0], default=(0, []))


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """How many ids both begin with."""
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count
