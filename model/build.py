"""From weights to a running engine: how much KV memory, cut into which pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from model.cache.layout import LayerGroup, group_layers, pages_for
from model.cache.manager import KVCache
from model.config import ModelConfig
from model.core import EngineCore, EngineLimits
from model.draft import DraftSettings
from model.engine import Engine
from model.errors import ConfigError, PoolTooSmallError
from model.ops.operations import choose_sampler
from model.parallel import open_ranks
from model.rank import RankSpec, WeightSource, build_storage
from model.runner import Runner, StepRunner
from model.scheduler import SchedulerSettings
from model.shards import shard_config
from model.weights import Weights

_TYPICAL_TOKENS = 16_384  # length of an agent's session, by which groups share the memory
_MOST_SESSIONS = 256  # a small model leaves memory free rather than hold pages for more


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine uses its device.

    `kv_bytes` is the memory for keys and values, `host_bytes` that for sessions
    moved off the device; `page_size` is in tokens. `speculation` None turns
    prompt lookup off. `tensor_parallel` divides the model among that many
    devices (processes on a CPU); bytes are then those of each.
    """

    kv_bytes: int = 2 * 2**30
    host_bytes: int = 0
    page_size: int = 16
    scheduling: SchedulerSettings = field(default_factory=SchedulerSettings)
    speculation: DraftSettings | None = field(default_factory=DraftSettings)
    tensor_parallel: int = 1


@dataclass(frozen=True, slots=True)
class PagePlan:
    """Pages and host slots of each layer group, and the longest context that they allow."""

    pages: tuple[int, ...]
    host_slots: tuple[int, ...]
    context: int


def plan_pages(
    config: ModelConfig, groups: tuple[LayerGroup, ...], itemsize: int, options: EngineOptions
) -> PagePlan:
    """Cut the memory so that one long session fits and typical ones fill it evenly.

    Raises PoolTooSmallError when not even a short sequence fits.
    """
    size, chunk = options.page_size, options.scheduling.chunk
    per_token = 2 * config.kv_heads * config.head_dim * itemsize
    page_bytes = [len(group.layers) * per_token * size for group in groups]

    def needed(tokens: int) -> list[int]:
        return [pages_for(group, tokens, chunk, size) + 1 for group in groups]

    def cost(pages: list[int]) -> int:
        return sum(count * each for count, each in zip(pages, page_bytes, strict=True))

    context = _longest(config.context, lambda tokens: cost(needed(tokens)) <= options.kv_bytes)
    if context < 2:
        raise PoolTooSmallError(
            f"{options.kv_bytes} bytes of KV memory hold no sequence (one page of all layers "
            f"takes {sum(page_bytes)} bytes); give the engine more KV memory"
        )
    typical = needed(min(context, _TYPICAL_TOKENS))
    longest = needed(context)

    def shared(sessions: int) -> list[int]:
        return [max(sessions * u, least) for u, least in zip(typical, longest, strict=True)]

    most = min(options.kv_bytes // cost(typical), _MOST_SESSIONS)
    pages = shared(_longest(most, lambda n: cost(shared(n)) <= options.kv_bytes))
    host = options.host_bytes // max(1, cost(typical))
    return PagePlan(tuple(pages), tuple(host * usual for usual in typical), context)


def _longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which `fits` holds (it holds for all smaller ones)."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def build_engine(
    config: ModelConfig, weights: Weights | WeightSource, options: EngineOptions | None = None
) -> Engine:
    """An engine over these weights, not yet started.

    A tensor-parallel one needs a source of weights, since each rank loads its
    own part. Raises PoolTooSmallError, ConfigError when the model cannot be
    divided, what loading raises, or EngineError when a worker does not start.
    """
    options = options or EngineOptions()
    shard = shard_config(config, options.tensor_parallel)
    groups = group_layers(config.windows)
    plain = weights if isinstance(weights, WeightSource) else weights.embedding
    dtype = plain.dtype
    plan = plan_pages(shard, groups, dtype.itemsize, options)
    return Engine(
        EngineCore(
            runner=_runner(config, weights, options, plan),
            cache=KVCache(groups, options.page_size, plan.pages, plan.host_slots),
            limits=EngineLimits(plan.context, config.vocabulary),
            settings=options.scheduling,
            speculation=options.speculation,
            sampler=choose_sampler(plain.device, dtype),
        )
    )


def _runner(
    config: ModelConfig, weights: Weights | WeightSource, options: EngineOptions, plan: PagePlan
) -> StepRunner:
    if options.tensor_parallel > 1:
        if not isinstance(weights, WeightSource):
            raise ConfigError(
                "weights that are loaded already cannot be divided among ranks; "
                "give the engine their WeightSource"
            )
        return open_ranks(
            RankSpec(
                config=config,
                size=options.tensor_parallel,
                source=weights,
                page_size=options.page_size,
                pages=plan.pages,
                host_slots=plan.host_slots,
                threads=max(1, torch.get_num_threads() // options.tensor_parallel),
            )
        )
    loaded = weights.load(config) if isinstance(weights, WeightSource) else weights
    storage = build_storage(
        config,
        pages=plan.pages,
        host_slots=plan.host_slots,
        page_size=options.page_size,
        device=loaded.embedding.device,
        dtype=loaded.embedding.dtype,
    )
    return Runner(config, loaded, group_layers(config.windows), storage)
