"""What all parts of a run share."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from cwm_agent.bench.gpu.events import Recorder
from cwm_agent.bench.gpu.measure.ceilings import Ceilings
from cwm_agent.bench.gpu.task import Task
from model.checkpoint.quantize import Quantization, layer_quantizer
from model.checkpoint.weights import Weights, random_weights
from model.config.config import ModelConfig
from model.config.shapes import named_shape, with_layers
from model.device import usable_bytes
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.fit import plan_fit
from model.engine.memory import Deployment
from model.engine.scheduler import SchedulerSettings


@dataclass(frozen=True, slots=True)
class Sizes:
    """Tokens, rows and bytes of every part."""

    context: int = 8192
    long_context: int = 131_072
    batch: int = 16
    steps: int = 40
    prefill_budget: int = 4096
    kernel_context: int = 32_768
    kernel_batch: int = 8
    chunk: int = 8192
    before_chunk: int = 8192
    rows: int = 4096
    copy_bytes: int = 4 * 2**30
    matmul: int = 8192
    peer_prompt: int = 512
    peer_reply: int = 64
    rounds: int = 3
    batches: int = 50
    invariant_layers: int = 8
    turn_prompt: int = 1500
    turn_reply: int = 32
    candidates: int = 28
    training_batch: int = 65_536
    training_seconds: float = 180
    page_size: int = 16


ON_GPU = Sizes()
ON_CPU = Sizes(
    context=160,
    long_context=400,
    batch=3,
    steps=6,
    prefill_budget=128,
    kernel_context=256,
    kernel_batch=2,
    chunk=64,
    before_chunk=64,
    rows=64,
    copy_bytes=2**24,
    matmul=256,
    peer_prompt=24,
    peer_reply=6,
    rounds=1,
    batches=2,
    invariant_layers=3,
    turn_prompt=20,
    turn_reply=2,
    candidates=2,
    training_batch=1024,
    training_seconds=12,
)


CPU_KV_BYTES = 2**26


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a part runs, on which shape, and where it puts what it finds."""

    report: Recorder
    task: Task
    config: ModelConfig
    sizes: Sizes
    device: torch.device
    dtype: torch.dtype

    @property
    def ceilings(self) -> Ceilings:
        """What the machine can do at most; raises ValueError where that was not measured."""
        if self.task.ceilings is None:
            raise ValueError("there is nothing to compare with without ceilings")
        return Ceilings(*self.task.ceilings)

    def random(self, *shape: int) -> Tensor:
        """Normally distributed numbers on the device."""
        return torch.randn(shape, device=self.device).to(self.dtype)

    def options(self, *, rows: int, context: int, kv_bytes: int | None = None) -> EngineOptions:
        """An engine for `rows` sessions of `context` tokens, without guesses at tokens."""
        budget = self.sizes.prefill_budget
        return EngineOptions(
            kv_bytes=CPU_KV_BYTES if self.device.type == "cpu" else kv_bytes,
            typical_tokens=context,
            page_size=self.sizes.page_size,
            scheduling=SchedulerSettings(token_budget=budget, chunk=budget, max_rows=rows),
            speculation=None,
        )

    def fitted(
        self, quantization: Quantization, options: EngineOptions, context: int
    ) -> ModelConfig:
        """The shape with as many layers as the device holds beside these sessions."""
        config = replace(self.config, context=min(self.config.context, context))
        if self.device.type == "cpu":
            return config
        free_memory(self.device)
        card, rows = usable_bytes(self.device), options.scheduling.max_rows
        for layers in range(config.layers, 0, -1):
            fewer = config if layers == config.layers else with_layers(config, layers)
            deployment = Deployment(
                fewer, self.dtype.itemsize, quantization, scheduling=options.settings
            )
            if plan_fit(deployment, card, context=config.context, batch=rows).fits:
                return fewer
        raise MemoryError("not one layer fits this device")

    def weights(self, config: ModelConfig, quantization: Quantization) -> Weights:
        """Random weights of a shape."""
        return random_weights(
            config,
            seed=0,
            device=self.device,
            dtype=self.dtype,
            convert=layer_quantizer(quantization),
        )


def bench_of(task: Task, recorder: Recorder) -> Bench:
    """What a task's part works with; the device is not touched yet."""
    on_gpu = task.device == "cuda"
    return Bench(
        recorder,
        task,
        named_shape(task.shape),
        ON_GPU if on_gpu else ON_CPU,
        torch.device(task.device),
        torch.bfloat16 if on_gpu else torch.float32,
    )


@contextmanager
def running(
    config: ModelConfig, weights: Weights, options: EngineOptions, device: torch.device
) -> Iterator[Engine]:
    """An engine whose steps the caller makes.

    Its memory is free when the caller's function is left, so that no two of
    these may follow each other in one.
    """
    free_memory(device)
    engine = build_engine(config, weights, options)
    try:
        yield engine
    finally:
        engine.close()


def free_memory(device: torch.device) -> None:
    """Give back what nobody refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
