"""Decode steps on fixed buffers: as the usual ones, and independent of neighbours to the last bit.

What a GPU captures is run here uncaptured, over the reference of page tables.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import torch
from engines import CPU, naive_answer, tiny_config, tiny_engine, tiny_weights
from torch import Tensor

from model.checkpoint.weights import random_weights
from model.config.shapes import NANO
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.layer_groups import group_layers
from model.ops.operations import PagedReference
from model.runner.decoder import Decoder, Decoding
from model.runner.runner import Runner
from model.step.plan import Row, StepPlan
from model.step.sampler import GREEDY, Draw, Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)


@dataclass
class Twice:
    """A runner that computes decode rows a second time on fixed buffers, and compares."""

    inner: Runner
    decoder: Decoder
    sizes: set[int] = field(default_factory=set)

    def run(self, plan: StepPlan) -> Tensor:
        logits = self.inner.run(plan)
        rows = [row for row in plan.rows if row.logits == len(row.tokens)]
        again = dict(zip((row.sequence for row in rows), self.decoder.run(rows), strict=True))
        offset = 0
        for row in plan.rows:
            usual = logits[offset : offset + row.logits]
            offset += row.logits
            if row.sequence in again:
                torch.testing.assert_close(again[row.sequence], usual, rtol=1e-9, atol=1e-9)
        self.sizes.add(sum(len(row.tokens) for row in rows))
        return logits

    def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> None:
        return None

    def close(self) -> None: ...


@pytest.mark.parametrize("window", [16, 7, None])
def test_a_padded_step_computes_what_the_usual_one_does(window: int | None) -> None:
    """Sessions come, decode, draft and go; every step is compared."""
    config = tiny_config(window)
    engine = tiny_engine(
        config,
        tiny_weights(config),
        speculation=DraftSettings(ngram=1),
        settings=SchedulerSettings(token_budget=24, chunk=8, max_rows=8, verify_budget=12),
    )
    runner = engine.core.runner
    assert isinstance(runner, Runner)
    twice = Twice(runner, decoder_of(runner, most=6, context=200))
    engine.core.runner = twice
    order = random.Random(4)
    for number in range(12):
        session = Session(engine, stream=number)
        session.append([order.randrange(4) for _ in range(order.randrange(1, 60))])
        session.generate(Request(order.randrange(2, 30), GREEDY), IdWatcher())
        engine.run_until_idle(order.randrange(1, 8))
    engine.run_until_idle()
    assert max(twice.sizes) > 6  # more than one batch of the buffers
    assert len(twice.sizes) > 6


def decoder_of(runner: Runner, most: int, context: int) -> Decoder:
    """A decoder over the same weights and pages, with the reference of page tables."""
    groups = group_layers(runner.config.windows)
    paged = Runner(
        runner.config, runner.weights, groups, runner.storage, operations=PagedReference()
    )
    return Decoder(
        Decoding(most, context),
        groups,
        page_size=runner.storage.page_size,
        vocabulary=runner.config.vocabulary,
        device=CPU,
        forward=torch.inference_mode()(paged._forward),
        captures=False,
    )


def generation(engine: Engine, session: Session, count: int, sampling: Sampling) -> Generation:
    future = session.generate(Request(count, sampling, logprobs=3), IdWatcher())
    engine.run_until_idle()
    return future.result(timeout=0)


@pytest.mark.parametrize("speculation", [None, DraftSettings(ngram=1)])
def test_a_session_does_not_depend_on_its_neighbours_to_the_last_bit(
    speculation: DraftSettings | None,
) -> None:
    """Log-probabilities in fp32, two turns: alone, and among neighbours that come and go."""
    # Pages for all of them: a session whose pages are taken computes them anew, in other cuts.
    config = replace(NANO, context=256)
    weights = random_weights(config, seed=1, device=CPU, dtype=torch.float32)
    options = EngineOptions(
        kv_bytes=2**24,
        scheduling=SchedulerSettings(token_budget=80, chunk=32, max_rows=8),
        speculation=speculation,
        batch_invariant=True,
    )
    order = random.Random(7)
    turns = [[order.randrange(6) for _ in range(90)], [order.randrange(6) for _ in range(21)]]

    def life(neighbours: int) -> list[Generation]:
        engine = build_engine(config, weights, options)
        beside = random.Random(neighbours)

        def company() -> None:
            for _ in range(beside.randrange(neighbours + 1)):
                other = Session(engine, stream=beside.randrange(1000))
                # Some begin like the session itself: what they computed must not be taken.
                other.append(turns[0][: beside.randrange(1, 90)])
                other.generate(Request(beside.randrange(1, 40), WARM), IdWatcher())
            engine.run_until_idle(beside.randrange(4))

        company()
        session = Session(engine, stream=5)
        said = []
        for turn in turns:
            session.append(turn)
            company()
            said.append(generation(engine, session, 25, WARM))
        assert session.counters.recomputed == 0
        return said

    alone = life(0)
    for neighbours in (1, 3, 9):
        among = life(neighbours)
        for one, other in zip(alone, among, strict=True):
            assert one.ids == other.ids
            assert one.logprobs == other.logprobs


def test_without_fixed_rows_the_last_bits_do_depend_on_neighbours() -> None:
    """Otherwise the test above would show nothing."""
    weights = random_weights(NANO, seed=1, device=CPU, dtype=torch.float32)
    options = EngineOptions(kv_bytes=2**24, speculation=None)
    found = []
    for neighbours in (0, 6):
        engine = build_engine(NANO, weights, options)
        for number in range(neighbours):
            other = Session(engine, stream=number)
            other.append([number] * (10 + number))
            other.generate(Request(40, GREEDY), IdWatcher())
        session = Session(engine, stream=50)
        session.append(list(range(90)))
        found.append(generation(engine, session, 20, GREEDY).logprobs)
    assert found[0] != found[1]


@pytest.mark.parametrize("window", [16, None])
def test_fixed_rows_change_no_answer(window: int | None) -> None:
    config = tiny_config(window)
    weights = tiny_weights(config)
    engine = tiny_engine(
        config,
        weights,
        decoding=Decoding(4, 300, fixed=True),
        speculation=DraftSettings(ngram=1),
        settings=SchedulerSettings(token_budget=24, chunk=8, aligned=True),
    )
    sessions = [Session(engine, stream=number) for number in range(6)]
    futures = []
    for number, session in enumerate(sessions):
        session.append([1, 2, 3] * (number + 1))
        futures.append(session.generate(Request(20, WARM), IdWatcher()))
    engine.run_until_idle()
    for number, future in enumerate(futures):
        expected = naive_answer(config, weights, [1, 2, 3] * (number + 1), 20, WARM, number)
        assert list(future.result(timeout=0).ids) == expected


def test_prompts_are_cut_at_multiples_of_the_chunk_whatever_the_budget() -> None:
    engine = tiny_engine(
        tiny_config(16),
        tiny_weights(tiny_config(16)),
        settings=SchedulerSettings(token_budget=20, chunk=16, aligned=True),
    )
    cuts: dict[int, list[tuple[int, int]]] = {}

    class Watching:
        def __init__(self, inner: Runner) -> None:
            self.inner = inner

        def run(self, plan: StepPlan) -> Tensor:
            for row in plan.rows:
                cuts.setdefault(row.sequence, []).append((row.start, len(row.tokens)))
            return self.inner.run(plan)

        def launch(self, plan: StepPlan, draws: Sequence[Draw]) -> None:
            return None

        def close(self) -> None: ...

    assert isinstance(engine.core.runner, Runner)
    engine.core.runner = Watching(engine.core.runner)
    for number in range(3):
        session = Session(engine)
        session.append([number] * 41)
        session.prefill()
    engine.run_until_idle()
    assert list(cuts.values()) == [[(0, 16), (16, 16), (32, 8)]] * 3


def test_a_row_of_more_than_one_page_table_is_not_a_decode() -> None:
    """A prompt's last chunk wants one logit of many tokens: the buffers leave it alone."""
    config = tiny_config(16)
    engine = tiny_engine(config, tiny_weights(config))
    runner = engine.core.runner
    assert isinstance(runner, Runner)
    decoder = decoder_of(runner, most=4, context=100)
    row = Row(0, 0, (1, 2, 3), 1, ())
    assert not decoder.takes([row], [])
    assert runner.launch(StepPlan((), (row,)), []) is None
