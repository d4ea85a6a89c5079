"""The KV cache: which sequence has which pages, who must move when they run out.

One owner (the engine's thread) calls it; it touches no tensor. What must be
moved is collected as `Move`s, to be carried out in order before the next step.
Under pressure it gives up, in this order: contents that nobody holds, then the
parked sequences used longest ago (to the host), then, when the host is full,
their contents altogether: such a sequence is prefilled again from its ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from model.errors import PoolTooSmallError
from model.kvcache.blocks import Block, BlockPool, Move
from model.kvcache.layer_groups import LayerGroup, pages_for
from model.kvcache.prefix import Followers, longest_match, longest_part, open_ends
from model.kvcache.sequence_cache import SequenceCache, Table, extend_keys


class KVCache:
    """Pages of every layer group, and the sequences that hold them."""

    def __init__(
        self,
        groups: Sequence[LayerGroup],
        page_size: int,
        pages: Sequence[int],
        host_slots: Sequence[int],
    ) -> None:
        self.groups = tuple(groups)
        self.page_size = page_size
        self.pools = tuple(
            BlockPool(g, p, h) for g, (p, h) in enumerate(zip(pages, host_slots, strict=True))
        )
        self.holders: dict[int, SequenceCache] = {}
        self._followers = Followers(sum(pages))
        self._moves: list[Move] = []
        self._clock = 0

    def new(self) -> SequenceCache:
        """An empty, parked sequence."""
        return self._register(SequenceCache([Table() for _ in self.groups]))

    def require_fit(self, tokens: int, chunk: int) -> None:
        """Raise PoolTooSmallError unless one sequence, run `chunk` at a time, fits when alone."""
        for group, pool in zip(self.groups, self.pools, strict=True):
            if pages_for(group, tokens, chunk, self.page_size) >= pool.pages:  # one for copies
                have = f"{[p.pages for p in self.pools]} of {self.page_size} tokens"
                raise PoolTooSmallError(
                    f"a sequence of {tokens} tokens does not fit the KV pages ({have}); "
                    "give the engine more KV memory or ask for a shorter context"
                )

    def match(self, cache: SequenceCache, ids: Sequence[int], most: int) -> int:
        """Adopt the longest known beginning of `ids` into an empty sequence, up to `most` tokens;
        its length."""
        size = self.page_size
        keys: list[bytes] = []
        extend_keys(keys, ids, size, most)
        count = longest_match(keys, self.groups, self.pools, size)
        if count == 0:
            return 0
        for table, group, pool in zip(cache.tables, self.groups, self.pools, strict=True):
            table.first = group.first_needed(count * size) // size
            for key in keys[table.first : count]:
                block = pool.find(key)
                assert block is not None
                pool.hold(block)
                table.append(block)
        cache.keys, cache.length = keys[:count], count * size
        self._share_part(cache, ids[:most])
        return cache.length

    def _share_part(self, cache: SequenceCache, ids: Sequence[int]) -> None:
        """Adopt the beginning of the page after the match, too; it is copied when written to."""
        wanted = ids[cache.length : cache.length + self.page_size]
        parent = cache.keys[-1]
        known = open_ends(parent, len(cache.keys), self.holders.values())
        length, blocks = longest_part(wanted, (*self._followers.after(parent, self.pools), *known))
        if not length:
            return
        for table, pool, block in zip(cache.tables, self.pools, blocks, strict=True):
            pool.hold(block)
            table.append(block)
        cache.length += length
        cache.tail = tuple(wanted[:length])

    def activate(self, cache: SequenceCache) -> bool:
        """Pin the sequence on the device, fetching what lies on the host; False if no room."""
        if cache.running:
            return True
        cache.running = True
        for _, block in cache.blocks():
            block.pins += 1
        for g, block in cache.blocks():
            if block.page is not None:
                continue
            move = self.pools[g].to_device(block) if self._make_room(g, 1) else None
            if move is None:
                self.park(cache)
                return False
            cache.fetched += 1
            self._moves.append(move)
        for table in cache.tables:
            table.refresh()
        return True

    def park(self, cache: SequenceCache) -> None:
        """Let the sequence's pages go if somebody needs them."""
        if not cache.running:
            return
        cache.running = False
        self._touch(cache)
        for _, block in cache.blocks():
            block.pins -= 1

    def reserve(self, cache: SequenceCache, tokens: int) -> bool:
        """Pages to write positions length..length+tokens-1 of a running sequence; False if none.

        A partly filled last page that others hold too is copied first.
        """
        end = -(-(cache.length + tokens) // self.page_size)
        shared = [self._shared_tail(cache, table) for table in cache.tables]
        for g, table in enumerate(cache.tables):
            wanted = max(0, end - table.end) + (shared[g] is not None)
            if wanted and not self._make_room(g, wanted):
                return False
        for g, (table, tail) in enumerate(zip(cache.tables, shared, strict=True)):
            if tail is not None:
                table.replace(cache.length // self.page_size, self._copied(g, tail))
            while table.end < end:
                table.append(self._fresh(g))
        return True

    def _shared_tail(self, cache: SequenceCache, table: Table) -> Block | None:
        """The partly filled block that the next token falls into, if it may not be written."""
        if cache.length % self.page_size == 0:
            return None
        tail = table.blocks[cache.length // self.page_size - table.first]
        return None if tail.writable else tail

    def _fresh(self, group: int) -> Block:
        block = self.pools[group].allocate()
        assert block is not None, "room was made before"
        block.pins = 1
        return block

    def _copied(self, group: int, shared: Block) -> Block:
        block = self._fresh(group)
        assert shared.page is not None
        assert block.page is not None
        self._moves.append(Move(group, "copy", shared.page, block.page))
        shared.pins -= 1
        self.pools[group].release(shared)
        return block

    def commit(self, cache: SequenceCache, tokens: int, ids: Sequence[int]) -> None:
        """Positions up to length+tokens are written with `ids`; name them, let the window move."""
        size = self.page_size
        before = len(cache.keys)
        cache.length += tokens
        extend_keys(cache.keys, ids, size, cache.length)
        cache.tail = tuple(ids[len(cache.keys) * size : cache.length])
        self._followers.note(cache.keys, before, ids, size)
        for table, group, pool in zip(cache.tables, self.groups, self.pools, strict=True):
            for number in range(max(before, table.first), len(cache.keys)):
                pool.publish(table.blocks[number - table.first], cache.keys[number])
            for block in table.advance(group.first_needed(cache.length) // size):
                self._let_go(pool, block, cache.running)

    def fork(self, cache: SequenceCache) -> SequenceCache:
        """A parked sequence with the same content; pages are shared until one side writes."""
        self._trim(cache)
        twin = SequenceCache([], cache.length, list(cache.keys), cache.tail)
        for table, pool in zip(cache.tables, self.pools, strict=True):
            twin.tables.append(Table(table.first))
            for block in table.blocks:
                pool.hold(block)
                twin.tables[-1].append(block)
        return self._register(twin)

    def truncate(self, cache: SequenceCache, length: int) -> None:
        """Forget positions from `length` on.

        Where a window group has already given back what the query at `length`
        needs, everything is forgotten, to be prefilled again.
        """
        if length >= cache.length:
            return
        lost = any(
            table.first * self.page_size > group.first_needed(length)
            for table, group in zip(cache.tables, self.groups, strict=True)
        )
        if lost or length == 0:
            self.drop(cache)
            return
        same_page = length // self.page_size == len(cache.keys)
        cache.tail = cache.tail[: length % self.page_size] if same_page else ()
        cache.length = length
        del cache.keys[length // self.page_size :]
        self._trim(cache)

    def drop(self, cache: SequenceCache) -> None:
        """Forget all content; the sequence itself stays known."""
        for table, pool in zip(cache.tables, self.pools, strict=True):
            self._cut(table, pool, 0, cache.running)
            table.first = 0
        cache.length = 0
        cache.tail = ()
        cache.keys.clear()

    def close(self, cache: SequenceCache) -> None:
        """Give everything back."""
        self.drop(cache)
        self.holders.pop(id(cache), None)

    def take_moves(self) -> tuple[Move, ...]:
        """The moves since the last call, in the order in which they must be carried out."""
        moves, self._moves = self._moves, []
        return tuple(moves)

    def _trim(self, cache: SequenceCache) -> None:
        """Give back pages reserved behind the content."""
        for table, pool in zip(cache.tables, self.pools, strict=True):
            self._cut(table, pool, -(-cache.length // self.page_size), cache.running)

    def _cut(self, table: Table, pool: BlockPool, number: int, pinned: bool) -> None:
        for block in reversed(table.cut(number)):  # nothing is found without its beginning
            self._let_go(pool, block, pinned)

    @staticmethod
    def _let_go(pool: BlockPool, block: Block, pinned: bool) -> None:
        block.pins -= pinned
        pool.release(block)

    def _make_room(self, group: int, pages: int) -> bool:
        pool = self.pools[group]
        while pool.reclaimable < pages:
            victim = self._oldest_parked(partial(_on_device, group))
            if victim is None:
                return False
            self._swap_out(victim)
        return True

    def _swap_out(self, victim: SequenceCache) -> None:
        """Move the victim's unpinned pages to the host, or forget it when the host is full."""
        for g, block in victim.blocks():
            if block.page is None or block.pins:
                continue
            move = self.pools[g].to_host(block)
            while move is None:
                older = self._oldest_parked(partial(_on_host, g))
                if older is None or older is victim or older.last_use > victim.last_use:
                    self.drop(victim)
                    return
                self.drop(older)
                move = self.pools[g].to_host(block)
            self._moves.append(move)

    def _oldest_parked(self, movable: Callable[[int, Block], bool]) -> SequenceCache | None:
        """The parked sequence used longest ago with an unpinned block for which `movable` holds."""
        candidates = [
            cache
            for cache in self.holders.values()
            if not cache.running
            and any(not block.pins and movable(g, block) for g, block in cache.blocks())
        ]
        return min(candidates, key=lambda cache: cache.last_use, default=None)

    def _register(self, cache: SequenceCache) -> SequenceCache:
        self.holders[id(cache)] = cache
        self._touch(cache)
        return cache

    def _touch(self, cache: SequenceCache) -> None:
        self._clock += 1
        cache.last_use = self._clock

    def check(self) -> None:
        """Integrity of pages, holders and pins; raises AssertionError (tests call it each step)."""
        counted: list[dict[int, tuple[Block, int, int]]] = [{} for _ in self.pools]
        for cache in self.holders.values():
            for g, block in cache.blocks():
                _, refs, pins = counted[g].get(id(block), (block, 0, 0))
                counted[g][id(block)] = (block, refs + 1, pins + cache.running)
        for pool, held in zip(self.pools, counted, strict=True):
            pool.check(held)


def _on_device(wanted: int, group: int, block: Block) -> bool:
    return group == wanted and block.page is not None


def _on_host(wanted: int, group: int, block: Block) -> bool:
    return group == wanted and block.host is not None
