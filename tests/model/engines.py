"""Tiny engines for tests, and the plainest possible run to compare them with.

Everything is in fp64: batched and single matrix products then differ by 1e-16,
so that token ids may be compared exactly, whatever the schedule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from model.checkpoint.weights import Weights, random_weights
from model.config.config import ModelConfig
from model.engine.core import EngineCore, EngineLimits
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.dense import DenseCache
from model.kvcache.layer_groups import group_layers
from model.kvcache.manager import KVCache
from model.kvcache.storage import KVStorage
from model.runner.decoder import Decoding
from model.runner.runner import Runner
from model.runner.transformer import Transformer
from model.step.sampler import Draw, Sampling, sample
from model.text.stops import IdWatcher

CPU = torch.device("cpu")

CONFIG = ModelConfig(
    model_type="cwm",
    layers=3,
    hidden=32,
    intermediate=48,
    heads=4,
    kv_heads=2,
    head_dim=8,
    vocabulary=40,
    context=4096,
    norm_eps=1e-5,
    windows=(None, 16, None),
    rope_theta=10_000.0,
    rope_scaling=None,
    tied_embeddings=False,
    bos_id=0,
    eos_ids=(1,),
    dtype=None,
)


def tiny_config(window: int | None) -> ModelConfig:
    """A three-layer model whose middle layer has the window."""
    return replace(CONFIG, windows=(None, window, None))


def tiny_weights(config: ModelConfig, seed: int = 0) -> Weights:
    """Random weights, scaled up so that the model's choices vary."""
    weights = random_weights(config, seed=seed, device=CPU, dtype=torch.float64)
    return replace(weights, head=weights.head * 50)


def tiny_engine(
    config: ModelConfig,
    weights: Weights,
    *,
    pages: Sequence[int] = (400, 400),
    host_slots: Sequence[int] = (0, 0),
    page_size: int = 4,
    settings: SchedulerSettings | None = None,
    speculation: DraftSettings | None = None,
    check: bool = True,
    decoding: Decoding | None = None,
) -> Engine:
    """An engine without a thread: the test makes its steps."""
    groups = group_layers(config.windows)
    count = len(groups)
    storage = KVStorage(
        groups,
        pages=pages[:count],
        host_slots=host_slots[:count],
        page_size=page_size,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        device=CPU,
        dtype=weights.embedding.dtype,
    )
    core = EngineCore(
        runner=Runner(config, weights, groups, storage, decoding=decoding),
        cache=KVCache(groups, page_size, pages[:count], host_slots[:count]),
        limits=EngineLimits(config.context, config.vocabulary),
        settings=settings or SchedulerSettings(),
        speculation=speculation,
        check=check,
    )
    return Engine(core)


def naive_answer(
    config: ModelConfig,
    weights: Weights,
    ids: Sequence[int],
    count: int,
    sampling: Sampling,
    stream: int,
) -> list[int]:
    """What a sequence answers when it has the machine to itself: one dense cache, no pages."""
    transformer = Transformer(config, weights)
    cache = DenseCache(config, CPU, weights.embedding.dtype)
    context = list(ids)
    logits = transformer.logits(torch.tensor(context), cache)
    for _ in range(count):
        context += sample(logits, [Draw(sampling, stream, len(context))])
        logits = transformer.logits(torch.tensor(context[-1:]), cache)
    return context[len(ids) :]


def engine_of(window: int | None = 16, **options: object) -> Engine:
    """A tiny engine with random weights; `options` are those of `tiny_engine`."""
    config = tiny_config(window)
    return tiny_engine(config, tiny_weights(config), **options)  # type: ignore[arg-type]


def say(engine: Engine, session: Session, request: Request) -> tuple[int, ...]:
    """The ids of one answer, for which the engine runs until it is idle."""
    future = session.generate(request, IdWatcher())
    engine.run_until_idle()
    return future.result(timeout=0).ids
