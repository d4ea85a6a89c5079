"""Recorded steps of two ranks say what two ranks say without, and what one says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import torch
from engines import CONFIG, CPU, naive_answer, tiny_engine

from model.checkpoint.weights import Weights, random_weights
from model.config.shards import Shard, shard_config
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.layer_groups import group_layers
from model.ops.operations import PagedReference
from model.parallel.parallel import ParallelRunner, TorchrunWorkers
from model.parallel.rank import build_storage
from model.parallel.ranks import Ranks, Sums, connect
from model.parallel.symmetric import SMALL
from model.parallel.worker import follow_plans
from model.runner.decoder import Decoding, Launched
from model.runner.runner import Runner
from model.step.plan import StepPlan
from model.step.sampler import GREEDY, Draw, Sampling
from model.text.stops import IdWatcher

SHAPE = replace(CONFIG, layers=2, windows=(None, 16), head_dim=16, vocabulary=41)
PAGES = (120, 80)
WAYS = (GREEDY, Sampling(0.8, 0.9, seed=3), Sampling(1.3, top_k=7, min_p=0.02, seed=4))
SOON = timedelta(seconds=60)


class Counting(ParallelRunner):
    """Counts steps that were launched."""

    launched = 0

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> Launched | None:
        found = super().launch(plan, draws)
        self.launched += found is not None
        return found


def weights_of(shard: Shard) -> Weights:
    weights = random_weights(SHAPE, seed=2, device=CPU, dtype=torch.float32, shard=shard)
    return replace(weights, head=weights.head * 50)


def rank_of(store: object, rank: int, decoding: Decoding) -> tuple[Runner, Ranks]:
    sums = Sums(torch.float32, in_fp32=True, small=SMALL)
    ranks = connect(store, rank, 2, CPU, meeting=SOON, step=SOON, local=True, sums=sums)
    config, groups = shard_config(SHAPE, 2), group_layers(SHAPE.windows)
    storage = build_storage(
        config, pages=PAGES, host_slots=(0, 0), page_size=4, device=CPU, dtype=torch.float32
    )
    runner = Runner(
        config,
        weights_of(Shard(rank, 2)),
        groups,
        storage,
        ranks,
        operations=PagedReference(),
        decoding=decoding,
    )
    return runner, ranks


def answers(runner: ParallelRunner, *, fixed: bool) -> list[tuple[list[int], Generation]]:
    engine = tiny_engine(
        SHAPE,
        weights_of(Shard(0, 1)),
        pages=PAGES,
        speculation=DraftSettings(ngram=1),
        settings=SchedulerSettings(token_budget=40, chunk=32, max_rows=4, aligned=fixed),
    )
    engine.core.runner = runner
    order = random.Random(3)
    lives = []
    for number, sampling in enumerate(WAYS):
        ids = [order.randrange(5) for _ in range(order.choice((1, 16, 17)))]
        session = Session(engine, stream=number)
        session.append(ids)
        future = session.generate(Request(5, sampling, logprobs=3), IdWatcher())
        lives.append((ids, future))
        engine.run_until_idle(1)
    engine.run_until_idle()
    return [(ids, future.result(timeout=0)) for ids, future in lives]


def said(*, graphs: bool, fixed: bool) -> tuple[list[tuple[list[int], Generation]], int]:
    """What two ranks answer, the second in a thread of its own, and the steps launched."""
    from torch.distributed import HashStore  # type: ignore[attr-defined]

    store, decoding = HashStore(), Decoding(4, 100, fixed=fixed, graphs=graphs)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(lambda: follow_plans(*rank_of(store, 1, decoding)))
        runner = Counting(*rank_of(store, 0, decoding), TorchrunWorkers())
        found = answers(runner, fixed=fixed)
        runner.close()
        other.result(timeout=60)
    return found, runner.launched


@pytest.mark.parametrize("fixed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_two_ranks_replay_what_they_say_without_recordings_and_one_alone(fixed: bool) -> None:
    recorded, launched = said(graphs=True, fixed=fixed)
    plain, none = said(graphs=False, fixed=fixed)
    assert launched >= 3
    assert none == 0
    for number, ((ids, one), (_, other)) in enumerate(zip(recorded, plain, strict=True)):
        assert one.ids == other.ids
        assert one.logprobs is not None
        assert other.logprobs is not None
        for mine, theirs in zip(one.logprobs, other.logprobs, strict=True):
            assert [p for _, p in mine.top] == pytest.approx([p for _, p in theirs.top], abs=1e-3)
        alone = naive_answer(SHAPE, weights_of(Shard(0, 1)), ids, 5, WAYS[number], number)
        assert list(one.ids) == alone
