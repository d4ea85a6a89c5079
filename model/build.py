"""From weights to a running engine: how much KV memory, cut into which pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from model.cache.layout import LayerGroup, group_layers, pages_for
from model.cache.manager import KVCache
from model.config import ModelConfig
from model.core import EngineCore, EngineLimits
from model.device import memory_of
from model.draft import DraftSettings
from model.engine import Engine
from model.errors import PoolTooSmallError
from model.kv import KVStorage
from model.runner import Runner
from model.scheduler import SchedulerSettings
from model.weights import Weights

_TYPICAL_TOKENS = 16_384  # length of an agent's session, by which groups share the memory


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine uses its device.

    `kv_bytes` is the memory for keys and values, `host_bytes` that for sessions
    moved off the device; `page_size` is in tokens. `speculation` None turns
    prompt lookup off.
    """

    kv_bytes: int = 2 * 2**30
    host_bytes: int = 0
    page_size: int = 16
    scheduling: SchedulerSettings = field(default_factory=SchedulerSettings)
    speculation: DraftSettings | None = field(default_factory=DraftSettings)


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

    most = options.kv_bytes // cost(typical)
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
    config: ModelConfig, weights: Weights, options: EngineOptions | None = None
) -> Engine:
    """An engine over these weights, not yet started."""
    options = options or EngineOptions()
    groups = group_layers(config.windows)
    dtype: torch.dtype = weights.embedding.dtype
    plan = plan_pages(config, groups, dtype.itemsize, options)
    device = weights.embedding.device
    with memory_of(device, f"KV memory of {options.kv_bytes} bytes"):
        storage = KVStorage(
            groups,
            pages=plan.pages,
            host_slots=plan.host_slots,
            page_size=options.page_size,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            device=device,
            dtype=dtype,
        )
    core = EngineCore(
        runner=Runner(config, weights, groups, storage),
        cache=KVCache(groups, options.page_size, plan.pages, plan.host_slots),
        limits=EngineLimits(plan.context, config.vocabulary),
        settings=options.scheduling,
        speculation=options.speculation,
    )
    return Engine(core)
