"""The engine against the ceilings: decode steps, a prefill, fixed rows, a long context."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import torch

from cwm_agent.bench.gpu.measure.bench import Bench, running
from cwm_agent.bench.gpu.measure.ceilings import decode_bytes, prefill_flops
from cwm_agent.bench.gpu.measure.timing import synchronise
from model.checkpoint.weights import Weights, held_bytes
from model.config.config import ModelConfig
from model.engine.build import EngineOptions
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.session import Session
from model.step.sampler import GREEDY
from model.text.stops import IdWatcher

_WARM_STEPS = 3


def full_precision(bench: Bench) -> None:
    """Batch 1: decode steps, the same with fixed rows, and a prefill."""
    context = bench.sizes.context
    options = bench.options(rows=1, context=_room(bench, context))
    config = bench.fitted("none", options, _room(bench, context))
    weights = bench.weights(config, "none")
    usual = _usual(bench, config, weights, options)
    fixed = _fixed(bench, config, weights)
    bench.report.add(
        "determinism_price", fixed / usual - 1, rows=bench.sizes.batch, seconds=[usual, fixed]
    )


def _usual(bench: Bench, config: ModelConfig, weights: Weights, options: EngineOptions) -> float:
    with running(config, weights, options, bench.device) as engine:
        _prefill(bench, config, engine)
        return _decode(bench, "decode_b1_bf16_share", config, weights, engine, 1)


def _fixed(bench: Bench, config: ModelConfig, weights: Weights) -> float:
    """A step of batch 1 that is padded to a full batch."""
    options = bench.options(rows=bench.sizes.batch, context=_room(bench, bench.sizes.context))
    options = replace(options, batch_invariant=True)
    with running(config, weights, options, bench.device) as engine:
        return _step_seconds(bench, config, engine, 1)


def eight_bits(bench: Bench) -> None:
    """fp8 weights: decode steps of batch 1 and of a full batch."""
    context, batch = bench.sizes.context, bench.sizes.batch
    options = bench.options(rows=batch, context=_room(bench, context))
    config = bench.fitted("fp8", options, _room(bench, context))
    weights = bench.weights(config, "fp8")
    with running(config, weights, options, bench.device) as engine:
        _decode(bench, "decode_b1_fp8_share", config, weights, engine, 1)
        _decode(bench, "decode_b16_fp8_share", config, weights, engine, batch)


def long_context(bench: Bench) -> None:
    """The longest context with fp8 weights; what the device then holds, over the plan."""
    context = min(bench.sizes.long_context, bench.config.context)
    options = bench.options(rows=1, context=context)
    config = bench.fitted("fp8", options, context)
    weights = bench.weights(config, "fp8")
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(bench.device)
    with running(config, weights, options, bench.device) as engine:
        begun = time.perf_counter()
        session = _session(engine, config, context - 8, seed=3)
        answer = session.generate(Request(8, GREEDY), IdWatcher())
        engine.run_until_idle()
        said = len(answer.result(timeout=0).ids)
        seconds = time.perf_counter() - begun
        bench.report.add(
            "long_context_runs",
            said == 8 and config.layers == bench.config.layers,
            context=context,
            layers=config.layers,
            seconds=seconds,
        )
        _memory(bench, config, weights, engine)


def _memory(bench: Bench, config: ModelConfig, weights: Weights, engine: Engine) -> None:
    """Bytes that torch held at most, over weights, pages, graphs and workspace as planned."""
    if bench.device.type != "cuda":
        bench.report.miss("memory_as_planned", "a CPU has no plan of its memory")
        return
    from model.engine.memory import Deployment, graph_bytes, workspace_bytes
    from model.runner.runner import Runner

    deployment = Deployment(config, bench.dtype.itemsize, "fp8", scheduling=engine.core.settings)
    assert isinstance(engine.core.runner, Runner)
    pages = engine.core.runner.storage.bytes
    planned = held_bytes(weights) + pages + graph_bytes(deployment) + workspace_bytes(deployment)
    held = torch.cuda.max_memory_reserved(bench.device)
    bench.report.add("memory_as_planned", held / planned, held=held, planned=planned, pages=pages)


def _room(bench: Bench, context: int) -> int:
    """Tokens of a session that is measured: its context, and what is decoded after it."""
    return context + bench.sizes.steps + _WARM_STEPS + 8


def _decode(
    bench: Bench, name: str, config: ModelConfig, weights: Weights, engine: Engine, batch: int
) -> float:
    """Median seconds of a decode step; its share of the byte roofline goes into the report."""
    seconds = _step_seconds(bench, config, engine, batch)
    read = held_bytes(weights)
    if not config.tied_embeddings:
        read -= weights.embedding.nbytes
    context = bench.sizes.context + _WARM_STEPS + bench.sizes.steps // 2
    least = decode_bytes(config, read, bench.dtype.itemsize, context, batch)
    share = least / seconds / bench.ceilings.bytes_per_second
    bench.report.add(
        name,
        share,
        seconds=seconds,
        tokens_per_second=batch / seconds,
        bytes=least,
        batch=batch,
        context=context,
        layers=config.layers,
    )
    return seconds


def _step_seconds(bench: Bench, config: ModelConfig, engine: Engine, batch: int) -> float:
    """Prefill `batch` different sessions, then time steps one by one; the first do not count."""
    sessions = [_session(engine, config, bench.sizes.context, seed=n) for n in range(batch)]
    for session in sessions:
        session.prefill()
    engine.run_until_idle()
    steps = bench.sizes.steps + _WARM_STEPS
    answers = [s.generate(Request(steps + 4, GREEDY), IdWatcher()) for s in sessions]
    times = []
    for _ in range(steps):
        begun = time.perf_counter()
        engine.run_until_idle(1)  # a step ends when its tokens are on the host
        times.append(time.perf_counter() - begun)
    for session in sessions:
        session.close()
    assert all(len(answer.result(timeout=0).ids) == steps for answer in answers)
    return statistics.median(times[_WARM_STEPS:])


def _prefill(bench: Bench, config: ModelConfig, engine: Engine) -> None:
    """Prompts of random tokens, none of which is known yet; the first does not count."""
    tokens, times = bench.sizes.context, []
    for number in range(bench.sizes.rounds + 1):
        session = _session(engine, config, tokens, seed=100 + number)
        begun = time.perf_counter()
        done = session.prefill()
        engine.run_until_idle()
        synchronise(bench.device)
        times.append(time.perf_counter() - begun)
        done.result(timeout=0)
        session.close()
    seconds = statistics.median(times[1:])
    flops = prefill_flops(config, tokens)
    share = flops / seconds / bench.ceilings.flops_per_second
    bench.report.add(
        "prefill_8k_share",
        share,
        seconds=seconds,
        tokens=tokens,
        tokens_per_second=tokens / seconds,
        flops=flops,
        chunk=bench.sizes.prefill_budget,
        layers=config.layers,
    )


def _session(engine: Engine, config: ModelConfig, tokens: int, *, seed: int) -> Session:
    generator = torch.Generator().manual_seed(seed)
    ids: list[int] = torch.randint(config.vocabulary, (tokens,), generator=generator).tolist()
    session = Session(engine, stream=seed)
    session.append(ids)
    return session
