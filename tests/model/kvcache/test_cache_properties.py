"""Random lives of many sequences over a few pages, checked against plain lists of token ids.

A page here is a Python list that holds the ids whose keys and values would
stand there; moves are carried out on these lists. Whatever the schedule, each
running sequence must find its own ids in its pages.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model.kvcache.layer_groups import LayerGroup
from model.kvcache.manager import KVCache
from model.kvcache.sequence_cache import SequenceCache


class CacheLives(RuleBasedStateMachine):
    @initialize(
        page_size=st.sampled_from([1, 3, 4]),
        window=st.sampled_from([2, 5, 16]),
        pages=st.tuples(st.integers(8, 30), st.integers(8, 24)),
        host=st.sampled_from([0, 5, 60]),
    )
    def open_cache(self, page_size: int, window: int, pages: tuple[int, int], host: int) -> None:
        groups = (LayerGroup((0,), None), LayerGroup((1, 2), window))
        self.cache = KVCache(groups, page_size, pages, (host, host))
        self.device = [[[-1] * page_size for _ in range(n)] for n in pages]
        self.host = [[[-1] * page_size for _ in range(host)] for _ in pages]
        self.live: list[tuple[SequenceCache, list[int]]] = []

    def carry_out_moves(self) -> None:
        for move in self.cache.take_moves():
            device, host = self.device[move.group], self.host[move.group]
            source = host if move.kind == "in" else device
            target = host if move.kind == "out" else device
            target[move.target] = list(source[move.source])

    def assert_content(self, cache: SequenceCache, ids: list[int]) -> None:
        """Every position that the next query sees holds the right id."""
        size = self.cache.page_size
        for g, (group, table) in enumerate(zip(self.cache.groups, cache.tables, strict=True)):
            for position in range(group.first_needed(cache.length), cache.length):
                page = table.pages[position // size - table.first]
                assert self.device[g][page][position % size] == ids[position]

    @rule()
    def open_sequence(self) -> None:
        self.live.append((self.cache.new(), []))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), tokens=st.lists(st.integers(0, 2), min_size=1, max_size=12))
    def run(self, data: st.DataObject, tokens: list[int]) -> None:
        cache, ids = data.draw(st.sampled_from(self.live))
        ids.extend(tokens)
        if cache.length == 0 and not cache.running:
            self.cache.match(cache, ids, len(ids) - 1)
        if not self.cache.activate(cache):
            return
        while cache.length < len(ids):
            n = data.draw(st.integers(1, len(ids) - cache.length))
            if not self.cache.reserve(cache, n):
                break
            self.carry_out_moves()
            self.assert_content(cache, ids)
            self.write(cache, ids, n)
            self.cache.commit(cache, n, ids)
            self.assert_content(cache, ids)
        if data.draw(st.booleans()):
            self.cache.park(cache)

    def write(self, cache: SequenceCache, ids: list[int], n: int) -> None:
        size = self.cache.page_size
        for g, table in enumerate(cache.tables):
            for position in range(cache.length, cache.length + n):
                number = position // size - table.first
                assert table.blocks[number].writable
                self.device[g][table.pages[number]][position % size] = ids[position]

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        cache, ids = data.draw(st.sampled_from(self.live))
        self.live.append((self.cache.fork(cache), list(ids)))

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def cut_back(self, data: st.DataObject) -> None:
        cache, ids = data.draw(st.sampled_from(self.live))
        length = data.draw(st.integers(0, len(ids)))
        self.cache.truncate(cache, length)
        del ids[length:]

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        self.cache.park(data.draw(st.sampled_from(self.live))[0])

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.live))
        self.live = [other for other in self.live if other is not entry]
        self.cache.close(entry[0])

    @invariant()
    def books_balance(self) -> None:
        if hasattr(self, "cache"):
            self.cache.check()

    def teardown(self) -> None:
        if not hasattr(self, "cache"):
            return
        for cache, _ in self.live:
            self.cache.close(cache)
        self.cache.check()
        assert all(pool.reclaimable == pool.pages for pool in self.cache.pools)
        assert all(pool.used_host == 0 for pool in self.cache.pools)


TestCacheLives = CacheLives.TestCase
TestCacheLives.settings = settings(max_examples=150, stateful_step_count=40)


def test_of_a_closed_sequence_the_beginning_is_found_longest() -> None:
    cache = KVCache((LayerGroup((0,), None),), 4, (8,), (0,))

    def live(ids: list[int]) -> None:
        sequence = cache.new()
        assert cache.activate(sequence)
        assert cache.reserve(sequence, len(ids))
        cache.commit(sequence, len(ids), ids)
        cache.close(sequence)

    known = list(range(24))  # six of eight pages
    live(known)
    live([100] * 12)  # three: one of the six has to go
    assert cache.match(cache.new(), known, len(known)) == 20
