"""Recorded steps with their sampler, replayed without a GPU by running the same step again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from engines import CONFIG, CPU, naive_answer, tiny_engine

from model.checkpoint.weights import Weights, random_weights
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.layer_groups import group_layers
from model.kvcache.storage import KVStorage
from model.ops.triton.operations import TritonOperations
from model.runner.decoder import Decoding
from model.runner.runner import Runner
from model.step.plan import StepPlan
from model.step.sampler import GREEDY, NOT_FINITE, Draw, Sampling
from model.text.stops import IdWatcher

SHAPE = replace(CONFIG, layers=2, windows=(None, 16), head_dim=16, heads=6, kv_heads=1)
PAGES = (120, 80)
WAYS = (GREEDY, Sampling(0.8, 0.9, seed=3), Sampling(1.3, top_k=7, min_p=0.02, seed=4))


class Counting(Runner):
    """Counts steps that were launched and those that were not."""

    launched = 0
    plain = 0

    def has_recorded(self, plan: StepPlan, draws: Sequence[Draw]) -> bool:
        found = super().has_recorded(plan, draws)
        self.launched += found
        self.plain += not found
        return found


def engine_of(weights: Weights, *, fixed: bool) -> tuple[Engine, Counting]:
    groups = group_layers(SHAPE.windows)
    storage = KVStorage(
        groups,
        pages=PAGES,
        host_slots=(0, 0),
        page_size=4,
        kv_heads=SHAPE.kv_heads,
        head_dim=SHAPE.head_dim,
        device=CPU,
        dtype=torch.float32,
    )
    runner = Counting(
        SHAPE,
        weights,
        groups,
        storage,
        operations=TritonOperations(CPU),
        decoding=Decoding(2, 100, fixed=fixed),
    )
    engine = tiny_engine(
        SHAPE,
        weights,
        pages=PAGES,
        speculation=DraftSettings(ngram=1),
        settings=SchedulerSettings(token_budget=40, chunk=32, max_rows=2, aligned=fixed),
    )
    engine.core.runner = runner
    return engine, runner


@pytest.mark.parametrize("fixed", [pytest.param(False, marks=pytest.mark.slow), True])
def test_replayed_steps_say_what_each_session_says_alone(fixed: bool) -> None:
    weights = random_weights(SHAPE, seed=2, device=CPU, dtype=torch.float32)
    weights = replace(weights, head=weights.head * 50)
    engine, runner = engine_of(weights, fixed=fixed)
    order = random.Random(3)
    lives = []
    for number, sampling in enumerate(WAYS):
        ids = [order.randrange(5) for _ in range(order.choice((1, 16, 17)))]
        session = Session(engine, stream=number)
        session.append(ids)
        future = session.generate(Request(4, sampling), IdWatcher())
        lives.append((ids, sampling, number, future))
        engine.run_until_idle(1)
    engine.run_until_idle()
    for ids, sampling, stream, future in lives:
        said = list(future.result(timeout=0).ids)
        assert said == naive_answer(SHAPE, weights, ids, 4, sampling, stream)
    assert runner.launched >= 2
    assert runner.plain >= 1


def test_a_row_that_is_not_finite_is_marked_and_spoils_no_other() -> None:
    weights = random_weights(SHAPE, seed=2, device=CPU, dtype=torch.float32)
    weights.embedding[7] = float("nan")
    engine, runner = engine_of(weights, fixed=False)
    sessions = [Session(engine, stream=number) for number in range(2)]
    for session, token in zip(sessions, (7, 6), strict=True):
        session.append([token])
    futures = [s.generate(Request(1, GREEDY), IdWatcher()) for s in sessions]
    plan = engine.core.scheduler.plan()
    launched = runner.launch(plan, engine.core._draws(plan.rows)[1])
    assert launched is not None
    ids = launched.ids()
    assert ids[0] == NOT_FINITE
    assert 0 <= ids[1] < SHAPE.vocabulary
    assert not any(future.done() for future in futures)
