"""Our engine, asked the same as transformers: exactly so many greedy tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins
    from model.engine.engine import Engine
    from model.engine.generation import Generation
    from model.engine.session import Session


@contextmanager
def running_engine(twins: Twins, *, speculation: bool, kv_bytes: int = 0) -> Iterator[Engine]:
    """A started engine at its defaults, with or without prompt lookup.

    It has at least `kv_bytes` for keys and values. Raises what `build_engine` does.
    """
    from model.engine.build import CPU_KV_BYTES, EngineOptions, build_engine

    options = EngineOptions(kv_bytes=max(CPU_KV_BYTES, kv_bytes))
    if not speculation:
        options = replace(options, speculation=None)
    with build_engine(twins.config, twins.weights, options) as engine:
        engine.start()
        yield engine


def opened(engine: Engine, ids: Sequence[int]) -> Session:
    """A session whose context is `ids`, not computed yet."""
    from model.engine.session import Session

    session = Session(engine)
    session.append(ids)
    return session


def answer(
    session: Session, count: int, on_token: Callable[[int], None] | None = None
) -> Generation:
    """Exactly `count` greedy tokens."""
    return begin_answer(session, count, on_token).result()


def begin_answer(
    session: Session, count: int, on_token: Callable[[int], None] | None = None
) -> Future[Generation]:
    """As `answer`, without waiting for the result."""
    from model.engine.generation import Request
    from model.step.sampler import GREEDY
    from model.text.stops import IdWatcher

    return session.generate(Request(count, GREEDY), IdWatcher(), on_token)


def answer_forced(session: Session, wanted: Sequence[int], twins: Twins) -> Generation:
    """Exactly these tokens: at each place a mask allows no other.

    The model computes and samples as for any answer, so steps and drafts are
    those of a model that would say this.
    """
    import torch

    from model.engine.generation import Request
    from model.step.sampler import GREEDY
    from model.text.stops import IdWatcher

    device = twins.weights.embedding.device

    def only(said: Sequence[int]) -> torch.Tensor:
        allowed = torch.zeros(twins.config.vocabulary, dtype=torch.bool, device=device)
        allowed[wanted[len(said)]] = True
        return allowed

    request = Request(len(wanted), GREEDY, mask=only)
    return session.generate(request, IdWatcher()).result()


def held_bytes(engine: Engine, twins: Twins) -> int:
    """Device bytes of the pages that sessions hold; a shared page counts once."""
    config = twins.config
    token = 2 * config.kv_heads * config.head_dim * twins.weights.embedding.itemsize

    def count() -> int:
        cache = engine.core.cache
        return sum(
            (pool.pages - pool.reclaimable) * cache.page_size * len(group.layers) * token
            for pool, group in zip(cache.pools, cache.groups, strict=True)
        )

    return engine.call(count).result()


def needed_bytes(twins: Twins, tokens: int) -> int:
    """Bytes of keys and values of one session of `tokens` that shares nothing."""
    from model.kvcache.layer_groups import group_layers, kv_bytes

    config, itemsize = twins.config, twins.weights.embedding.itemsize
    return kv_bytes(
        group_layers(config.windows), tokens, config.kv_heads, config.head_dim, itemsize
    )
