"""Two GPUs say what one says, with recorded steps and without; sums by either way."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from model.checkpoint.source import WeightSource
from model.config.shapes import NANO
from model.engine.build import EngineOptions, build_engine
from model.engine.generation import Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.parallel.parallel import ParallelRunner
from model.step.sampler import GREEDY, Sampling
from model.text.stops import IdWatcher

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices"),
]

CONFIG = replace(NANO, context=512, head_dim=64, hidden=384, intermediate=512, kv_heads=2)
WAYS = (GREEDY, Sampling(temperature=0.8, top_p=0.9, seed=3))


def answers(
    size: int, *, device: str = "cuda", dtype: torch.dtype = torch.float32, **options: object
) -> list[tuple[int, ...]]:
    """Replies of six sessions that run together on `size` ranks."""
    settings = EngineOptions(
        kv_bytes=2**26,
        typical_tokens=256,
        scheduling=SchedulerSettings(token_budget=96, chunk=64, max_rows=8),
        speculation=DraftSettings(ngram=2),
        tensor_parallel=size,
    )
    source = WeightSource(torch.device(device), dtype, seed=2)
    engine = build_engine(CONFIG, source, replace(settings, **options))  # type: ignore[arg-type]
    assert isinstance(engine.core.runner, ParallelRunner) == (size > 1)
    order = random.Random(1)
    futures = []
    for number in range(6):
        session = Session(engine, stream=number)
        session.append([order.randrange(9) for _ in range(order.choice((1, 16, 17, 65, 200)))])
        futures.append(session.generate(Request(24, WAYS[number % 2]), IdWatcher()))
        engine.run_until_idle(order.randrange(4))
    engine.run_until_idle()
    said = [future.result(timeout=0).ids for future in futures]
    engine.close()
    return said


@pytest.mark.parametrize("graphs", [True, False])
def test_two_ranks_say_what_one_says(graphs: bool) -> None:
    """fp32: chunks, drafts, windows; the sums differ in their last bits only."""
    assert answers(2, graphs=graphs) == answers(1)


@pytest.mark.parametrize("in_fp32", [True, False])
def test_recorded_steps_say_what_plain_ones_say_in_bf16(in_fp32: bool) -> None:
    """With fixed rows a step is the same work either way."""
    same = {"dtype": torch.bfloat16, "batch_invariant": True, "reduce_in_fp32": in_fp32}
    assert answers(2, graphs=True, **same) == answers(2, graphs=False, **same)  # type: ignore[arg-type]


def test_symmetric_memory_adds_as_nccl_does() -> None:
    """Two summands have one order, so fp32 sums are equal to the last bit."""
    assert answers(2, symmetric_memory=True) == answers(2, symmetric_memory=False)
