"""The same session alone and among neighbours, with fixed rows: the same ids."""

from __future__ import annotations

import random
from dataclasses import replace

from cwm_agent.bench.gpu.measure.bench import Bench, running
from model.config.config import ModelConfig
from model.config.shapes import with_layers
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.session import Session
from model.step.sampler import PUBLISHED, Sampling
from model.text.stops import IdWatcher

_PROMPT = 300
_REPLY = 32
_SAMPLING = Sampling(PUBLISHED.temperature, PUBLISHED.top_p, seed=11)


def determinism(bench: Bench) -> None:
    """Compare a run alone with runs in `batches` random batches."""
    layers = min(bench.sizes.invariant_layers, bench.config.layers)
    config = replace(with_layers(bench.config, layers), context=1024)
    weights = bench.weights(config, "none")
    options = bench.options(rows=bench.sizes.batch, context=1024, kv_bytes=4 * 2**30)
    options = replace(
        options,
        batch_invariant=True,
        scheduling=replace(options.scheduling, token_budget=512, chunk=256),
    )
    with running(config, weights, options, bench.device) as engine:
        alone = _reply(engine, config)
        same = 0
        for number in range(bench.sizes.batches):
            same += _among(engine, config, random.Random(number), bench.sizes.batch) == alone
    bench.report.add(
        "deterministic",
        same == bench.sizes.batches,
        batches=bench.sizes.batches,
        equal=same,
        layers=layers,
        tokens=len(alone),
    )


def _reply(engine: Engine, config: ModelConfig) -> tuple[int, ...]:
    session = _session(engine, config, random.Random(5), _PROMPT, stream=1)
    answer = session.generate(Request(_REPLY, _SAMPLING), IdWatcher())
    engine.run_until_idle()
    session.close()
    return answer.result(timeout=0).ids


def _among(engine: Engine, config: ModelConfig, order: random.Random, most: int) -> tuple[int, ...]:
    """The reply beside sessions of random lengths, some of which have begun before."""
    others = []
    for number in range(order.randrange(1, most)):
        other = _session(engine, config, order, order.randrange(1, 400), stream=2 + number)
        other.generate(Request(order.randrange(1, 2 * _REPLY), _SAMPLING), IdWatcher())
        others.append(other)
        engine.run_until_idle(order.randrange(3))
    reply = _reply(engine, config)
    for other in others:
        other.close()
    return reply


def _session(
    engine: Engine, config: ModelConfig, order: random.Random, tokens: int, *, stream: int
) -> Session:
    session = Session(engine, stream=stream)
    session.append([order.randrange(config.vocabulary) for _ in range(tokens)])
    return session
