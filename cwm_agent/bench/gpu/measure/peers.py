"""The engine beside transformers' `generate`, on views of the same weights."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from cwm_agent.bench.engine.peers import generate_batch
from cwm_agent.bench.engine.twins import Twins, transformers_twin
from cwm_agent.bench.gpu.measure.bench import Bench, running
from model.config.config import ModelConfig
from model.config.shapes import PEER
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.session import Session
from model.step.sampler import GREEDY
from model.text.stops import IdWatcher


def peer_shape(bench: Bench) -> ModelConfig:
    """A shape of which two copies fit on the device."""
    return bench.config if bench.device.type == "cpu" else PEER


def transformers_ratios(bench: Bench) -> None:
    """Seconds of `generate` over ours for one prompt and for a batch, prefill included.

    Both take turns; the ratio is that of the medians. Greedy, no guesses at tokens.
    """
    config, sizes = peer_shape(bench), bench.sizes
    weights = bench.weights(config, "none")
    twins = Twins("peer", config, weights, transformers_twin(config, weights), lambda _: [])
    context = sizes.peer_prompt + sizes.peer_reply + 16
    options = bench.options(rows=sizes.batch, context=context, kv_bytes=4 * 2**30)
    with running(config, weights, options, bench.device) as engine:
        for name, batch in (("vs_transformers_b1", 1), ("vs_transformers_b16", sizes.batch)):
            ours, theirs = [], []
            for number in range(sizes.rounds + 1):  # the first of each does not count
                prompts = some_prompts(config, batch, sizes.peer_prompt, seed=number)
                ours.append(_seconds(partial(_ours, engine, prompts, sizes.peer_reply)))
                theirs.append(_seconds(partial(generate_batch, twins, prompts, sizes.peer_reply)))
            own, their = statistics.median(ours[1:]), statistics.median(theirs[1:])
            bench.report.add(
                name,
                their / own,
                ours_seconds=own,
                theirs_seconds=their,
                batch=batch,
                prompt=sizes.peer_prompt,
                reply=sizes.peer_reply,
                layers=config.layers,
                hidden=config.hidden,
                attention=str(twins.theirs.config._attn_implementation),
            )


def _ours(engine: Engine, prompts: list[list[int]], reply: int) -> None:
    sessions = [Session(engine) for _ in prompts]
    answers = []
    for session, ids in zip(sessions, prompts, strict=True):
        session.append(ids)
        answers.append(session.generate(Request(reply, GREEDY), IdWatcher()))
    engine.run_until_idle()
    assert all(len(answer.result(timeout=0).ids) == reply for answer in answers)
    for session in sessions:
        session.close()


def some_prompts(config: ModelConfig, count: int, tokens: int, *, seed: int) -> list[list[int]]:
    """So many prompts of random ids."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(1, config.vocabulary, (count, tokens), generator=generator)
    prompts: list[list[int]] = rows.tolist()
    return prompts


def _seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
