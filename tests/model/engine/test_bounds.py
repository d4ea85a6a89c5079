"""Bounds of memory: what sessions hold, and what the pages hold of them."""

from __future__ import annotations

import random
import resource
from dataclasses import replace

import pytest
import torch
from engines import CONFIG, CPU, engine_of, say, tiny_config

from model.checkpoint.weights import random_weights
from model.engine.build import EngineOptions, build_engine
from model.engine.generation import Request
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.errors import PoolTooSmallError
from model.kvcache.layer_groups import group_layers, kv_bytes
from model.kvcache.sizing import PageCosts, plan_pages
from model.step.sampler import GREEDY, Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)


def test_resting_sessions_keep_what_the_formula_says() -> None:
    """Window layers keep their window, full layers everything, rounded up to pages."""
    config, page = tiny_config(16), 4
    engine = engine_of()
    session = Session(engine)
    session.append([1, 2, 3] * 70)
    session.prefill()
    engine.run_until_idle()
    tokens = len(session.ids) - 1
    groups = group_layers(config.windows)
    held = [len(t.blocks) for t in session._open().cache.tables]
    per_token = 2 * config.kv_heads * config.head_dim * 8
    used = sum(
        blocks * page * per_token * len(group.layers)
        for blocks, group in zip(held, groups, strict=True)
    )
    formula = kv_bytes(groups, tokens, config.kv_heads, config.head_dim, itemsize=8)
    rounding = sum(2 * page * per_token * len(group.layers) for group in groups)
    assert formula <= used + 16 * per_token
    assert used <= formula + rounding


def test_the_formula_gives_the_published_figures_for_the_32b_shape() -> None:
    windows = tuple(None if i % 4 == 0 or i == 63 else 8192 for i in range(64))
    groups = group_layers(windows)

    def size(tokens: int) -> int:
        return kv_bytes(groups, tokens, kv_heads=8, head_dim=128, itemsize=2)

    assert [len(group.layers) for group in groups] == [17, 47]
    assert size(100_001) - size(100_000) == 68 * 1024
    constant = size(100_000) - 100_000 * 68 * 1024
    assert constant == pytest.approx(1.47 * 2**30, rel=1e-3)
    assert size(131_072) == pytest.approx(9.97 * 2**30, rel=1e-3)


def test_a_pool_too_small_for_one_sequence_says_so_and_the_others_go_on() -> None:
    engine = engine_of(pages=(12, 30))
    large, small = Session(engine), Session(engine)
    large.append([1] * 200)
    small.append([2] * 20)
    with pytest.raises(PoolTooSmallError, match="does not fit the KV pages"):
        large.generate(Request(5, GREEDY), IdWatcher())
    assert len(say(engine, small, Request(5, GREEDY))) == 5


def test_kv_memory_decides_how_long_a_context_may_be() -> None:
    config = replace(tiny_config(16), context=100_000)
    costs = PageCosts(config, itemsize=8, page_size=4, chunk=256)
    assert 256 < plan_pages(costs, 2**20).context < 100_000
    with pytest.raises(PoolTooSmallError, match="hold no sequence"):
        plan_pages(costs, 2**12)


def test_a_thousand_sessions_leave_nothing_behind() -> None:
    engine = engine_of(pages=(60, 60), host_slots=(30, 30), check=False)
    order = random.Random(5)
    lives: list[Session] = []
    for number in range(1000):
        session = Session(engine, job=str(number % 3))
        session.append([order.randrange(40) for _ in range(order.randrange(1, 20))])
        session.generate(Request(order.randrange(1, 8), WARM), IdWatcher())
        lives.append(session)
        engine.run_until_idle(order.randrange(3))
        if order.random() < 0.5:
            order.choice(lives).cancel()
        while len(lives) > order.randrange(12):
            lives.pop(order.randrange(len(lives))).close()
    for session in lives:
        session.close()
    core = engine.core
    core.cache.check()
    assert not core.cache.holders
    assert not core._sequences
    assert not core._progress
    assert all(pool.reclaimable == pool.pages for pool in core.cache.pools)
    assert all(pool.used_host == 0 for pool in core.cache.pools)


@pytest.mark.parametrize("length", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_session_runs_in_bounded_memory(length: int) -> None:
    """The window group stays small; memory is the pages and the work of one chunk."""
    config = replace(
        CONFIG,
        layers=2,
        windows=(16, None),
        context=110_000,
        hidden=8,
        intermediate=8,
        heads=1,
        kv_heads=1,
        head_dim=4,
    )
    weights = random_weights(config, seed=0, device=CPU, dtype=torch.float32)
    scheduling = SchedulerSettings(token_budget=512, chunk=512)
    engine = build_engine(config, weights, EngineOptions(kv_bytes=2**23, scheduling=scheduling))
    session = Session(engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for part in range(10):
        session.append([part] * (length // 10))
        assert len(say(engine, session, Request(3, GREEDY))) == 3
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert session.counters.recomputed == 0
    tables = session._open().cache.tables
    held = {group.window: t for group, t in zip(engine.core.cache.groups, tables, strict=True)}
    assert len(held[16].blocks) <= 2
    assert len(held[None].blocks) == -(-(length + 29) // 16)
    # 8 MiB of pages; scores and mask of one chunk against all keys, a few times over.
    assert grown < 2**23 + 2**25 + 4 * (512 * length * 5)
