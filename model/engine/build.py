"""From weights to a running engine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from model.checkpoint.quantize import Quantization
from model.checkpoint.source import WeightSource
from model.checkpoint.weights import Weights, held_bytes
from model.config.config import ModelConfig
from model.device import usable_bytes
from model.engine.core import EngineCore, EngineLimits
from model.engine.engine import Engine
from model.engine.fit import plan_fit, require_fit
from model.engine.memory import Deployment, plan_memory
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.errors import ConfigError
from model.kvcache.layer_groups import group_layers
from model.kvcache.manager import KVCache
from model.kvcache.sizing import TYPICAL_TOKENS, PagePlan, plan_pages
from model.ops.linear import Fp8Weight, Int8Weight
from model.ops.operations import choose_sampler
from model.parallel.parallel import open_ranks
from model.parallel.rank import RankSpec, build_storage
from model.runner.decoder import Decoding
from model.runner.runner import Runner, StepRunner

CPU_KV_BYTES = 2 * 2**30  # where no card sets a bound, and main memory has other uses
_LEAST_CONTEXT = 2048  # a card that has no room for so much has none for the model


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine uses its device.

    `kv_bytes` is the memory for keys and values (None: on a GPU what weights,
    graphs and workspace leave, see `model.engine.memory`; on a CPU 2 GiB), cut for
    sessions of `typical_tokens`; `host_bytes` is that for sessions moved off the
    device; `page_size` is in tokens. `speculation` None turns prompt lookup
    off. `tensor_parallel` divides the model among that many devices (processes
    on a CPU); bytes are then those of each. `batch_invariant` makes answers
    independent of what else runs, to the last bit; `graphs` lets a GPU replay
    recorded decode steps (see `model.runner.decoder`); `reduce_in_fp32` adds the
    devices' partial results in fp32, else in the model's own format;
    `symmetric_memory` lets GPUs read each other's memory for small ones.
    """

    kv_bytes: int | None = None
    typical_tokens: int = TYPICAL_TOKENS
    host_bytes: int = 0
    page_size: int = 16
    scheduling: SchedulerSettings = field(default_factory=SchedulerSettings)
    speculation: DraftSettings | None = field(default_factory=DraftSettings)
    tensor_parallel: int = 1
    batch_invariant: bool = False
    graphs: bool = True
    reduce_in_fp32: bool = True
    symmetric_memory: bool = True

    @property
    def settings(self) -> SchedulerSettings:
        """How the scheduler cuts steps."""
        return replace(self.scheduling, aligned=self.batch_invariant)

    def decoding(self, context: int) -> Decoding:
        """How decode steps run, in an engine for contexts up to `context`."""
        rows = self.scheduling.max_rows
        return Decoding(rows, context, fixed=self.batch_invariant, graphs=self.graphs)


def build_engine(
    config: ModelConfig, weights: Weights | WeightSource, options: EngineOptions | None = None
) -> Engine:
    """An engine over these weights, not yet started.

    A tensor-parallel one needs a source of weights, since each rank loads its
    own part. Raises PoolTooSmallError, MemoryPlanError when the model does not
    fit its card, ConfigError when it cannot be divided, what loading raises, or
    EngineError when a worker does not start.
    """
    options = options or EngineOptions()
    deployment = _deployment(config, weights, options)
    kv_bytes = options.kv_bytes
    if kv_bytes is None:
        kv_bytes = _kv_bytes(deployment, weights)
    plan = plan_pages(
        deployment.costs, kv_bytes, host_bytes=options.host_bytes, typical=options.typical_tokens
    )
    groups = group_layers(config.windows)
    plain = weights if isinstance(weights, WeightSource) else weights.embedding
    return Engine(
        EngineCore(
            runner=_runner(config, weights, options, plan),
            cache=KVCache(groups, options.page_size, plan.pages, plan.host_slots),
            limits=EngineLimits(plan.context, config.vocabulary),
            settings=options.settings,
            speculation=options.speculation,
            sampler=choose_sampler(plain.device, plain.dtype),
        )
    )


def _deployment(
    config: ModelConfig, weights: Weights | WeightSource, options: EngineOptions
) -> Deployment:
    if isinstance(weights, WeightSource):
        dtype, quantization = weights.dtype, weights.quantization
    else:
        dtype, quantization = weights.embedding.dtype, _quantization_of(weights)
    return Deployment(
        config,
        itemsize=dtype.itemsize,
        quantization=quantization,
        tensor_parallel=options.tensor_parallel,
        scheduling=options.settings,
        page_size=options.page_size,
        graphs=options.graphs,
    )


def _quantization_of(weights: Weights) -> Quantization:
    matrix = weights.layers[0].down
    if isinstance(matrix, Fp8Weight):
        return "fp8"
    return "int8" if isinstance(matrix, Int8Weight) else "none"


def _kv_bytes(deployment: Deployment, weights: Weights | WeightSource) -> int:
    """What is left of the card; with several, the first stands for all of them."""
    if isinstance(weights, WeightSource):
        device, held = weights.device, 0
    else:
        device, held = weights.embedding.device, held_bytes(weights)
    if device.type != "cuda":
        return CPU_KV_BYTES
    card = usable_bytes(device, held)
    context = min(deployment.config.context, _LEAST_CONTEXT)
    require_fit(plan_fit(deployment, card, context=context))
    return plan_memory(deployment, card).kv


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
                decoding=options.decoding(plan.context),
                reduce_in_fp32=options.reduce_in_fp32,
                symmetric_memory=options.symmetric_memory,
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
    decoding = options.decoding(plan.context)
    return Runner(config, loaded, group_layers(config.windows), storage, decoding=decoding)
