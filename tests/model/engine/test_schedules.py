"""Whatever the schedule, a session says what it would have said alone.

Random lives of sessions on an engine whose pools are too small for all of
them: chunked prefill, mixed batches, forks, swaps, preemption, rollbacks,
cancellations, speculation. Each answer is checked token by token against one
dense forward pass over the whole context.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cache

import hypothesis.strategies as st
import torch
from engines import CPU, tiny_config, tiny_engine, tiny_weights
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from model.checkpoint.weights import Weights
from model.config.config import ModelConfig
from model.engine.generation import Generation, Request
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Checkpoint, Session
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer
from model.step.sampler import Draw, Sampling, sample
from model.text.stops import IdWatcher

GREEDY = Sampling(temperature=0.0)
WARM = Sampling(temperature=0.7, top_p=0.9, seed=11)
FILTERED = Sampling(temperature=1.3, top_k=7, min_p=0.02, seed=4)

COMMON = [0, 1, 2, 3, 2] * 8
"""Many prompts begin with it, as samples of one issue do."""
PROMPTS = st.one_of(
    st.lists(st.integers(0, 3), min_size=1, max_size=40),
    st.integers(1, 40).map(lambda length: COMMON[:length]),
)


@cache
def model(window: int | None) -> tuple[ModelConfig, Weights]:
    config = tiny_config(window)
    return config, tiny_weights(config)


@dataclass
class Life:
    """One session as the test knows it."""

    session: Session
    stream: int
    ids: list[int] = field(default_factory=list)
    answer: tuple[Future[Generation], Sampling] | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)


class Schedules(RuleBasedStateMachine):
    @initialize(
        window=st.sampled_from([16, 16, 7, None]),
        page_size=st.sampled_from([4, 4, 3, 5]),
        pages=st.tuples(st.integers(60, 100), st.integers(40, 70)),
        host=st.sampled_from([0, 20, 200]),
        scheduling=st.builds(
            SchedulerSettings,
            token_budget=st.integers(4, 40),
            chunk=st.integers(1, 24),
            max_rows=st.integers(1, 5),
            verify_budget=st.integers(0, 12),
            max_passed_over=st.integers(0, 3),
        ),
        speculation=st.sampled_from([None, DraftSettings(ngram=2), DraftSettings(ngram=1)]),
    )
    def open_engine(
        self,
        window: int | None,
        page_size: int,
        pages: tuple[int, int],
        host: int,
        scheduling: SchedulerSettings,
        speculation: DraftSettings | None,
    ) -> None:
        self.config, self.weights = model(window)
        self.engine = tiny_engine(
            self.config,
            self.weights,
            pages=pages,
            host_slots=(host, host),
            page_size=page_size,
            settings=scheduling,
            speculation=speculation,
        )
        self.lives: list[Life] = []

    def pick(self, data: st.DataObject, *, busy: bool) -> Life | None:
        fitting = [life for life in self.lives if (life.answer is not None) == busy]
        return data.draw(st.sampled_from(fitting)) if fitting else None

    @rule(prompt=PROMPTS, job=st.sampled_from("ab"))
    def open_session(self, prompt: list[int], job: str) -> None:
        if len(self.lives) < 6:
            stream = len(self.lives)
            session = Session(self.engine, job=job, stream=stream)
            session.append(prompt)
            self.lives.append(Life(session, stream, list(prompt)))

    @precondition(lambda self: self.lives)
    @rule(
        data=st.data(),
        count=st.integers(1, 30),
        sampling=st.sampled_from([GREEDY, WARM, FILTERED]),
        more=st.lists(st.integers(0, 3), max_size=12),
    )
    def answer(self, data: st.DataObject, count: int, sampling: Sampling, more: list[int]) -> None:
        life = self.pick(data, busy=False)
        if life is not None and len(life.ids) < 110:
            life.session.append(more)
            life.ids += more
            request = Request(count, sampling)
            life.answer = life.session.generate(request, IdWatcher([39])), sampling

    @rule(steps=st.integers(1, 12))
    def run_some(self, steps: int) -> None:
        self.engine.run_until_idle(steps)
        self.collect()

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def prefill(self, data: st.DataObject) -> None:
        life = self.pick(data, busy=False)
        if life is not None:
            future = life.session.prefill()
            self.engine.run_until_idle()
            future.result(timeout=0)
            self.collect()

    @precondition(lambda self: self.lives)
    @rule(data=st.data(), count=st.integers(1, 2))
    def fork(self, data: st.DataObject, count: int) -> None:
        life = self.pick(data, busy=False)
        if life is not None and len(self.lives) < 8:
            for twin in life.session.fork(count):
                self.lives.append(Life(twin, twin._stream, list(life.ids)))

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def checkpoint(self, data: st.DataObject) -> None:
        life = self.pick(data, busy=False)
        if life is not None and len(life.checkpoints) < 2:
            life.checkpoints.append(life.session.checkpoint())

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        life = self.pick(data, busy=False)
        if life is None:
            return
        if life.checkpoints and data.draw(st.booleans()):
            checkpoint = data.draw(st.sampled_from(life.checkpoints))
            life.session.rollback(checkpoint)
            life.ids = list(checkpoint.ids)
        else:
            length = data.draw(st.integers(1, len(life.ids)))
            life.session.rollback(length)
            del life.ids[length:]

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        life = self.pick(data, busy=True)
        if life is not None:
            life.session.cancel()
            self.collect()

    @precondition(lambda self: self.lives)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(self.lives))
        self.lives.remove(life)
        self.close_life(life)

    def close_life(self, life: Life) -> None:
        for checkpoint in life.checkpoints:
            life.session.release(checkpoint)
        life.session.close()

    def collect(self) -> None:
        """Check the answers that are complete."""
        for life in self.lives:
            if life.answer is not None and life.answer[0].done():
                future, sampling = life.answer
                life.answer = None
                generation = future.result()
                self.assert_said_alone(life, generation.ids, sampling)
                life.ids += generation.ids
                assert life.session.ids == tuple(life.ids)

    def assert_said_alone(self, life: Life, said: tuple[int, ...], sampling: Sampling) -> None:
        if not said:
            return
        context = [*life.ids, *said]
        dense = DenseCache(self.config, CPU, torch.float64)
        logits = Transformer(self.config, self.weights).logits(
            torch.tensor(context[:-1]), dense, last_only=False
        )
        first = len(life.ids)
        draws = [Draw(sampling, life.stream, first + i) for i in range(len(said))]
        assert sample(logits[first - 1 :], draws) == list(said)

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        self.engine.run_until_idle()
        self.collect()
        for life in self.lives:
            self.close_life(life)
        core = self.engine.core
        core.cache.check()
        assert not core.cache.holders
        assert all(pool.reclaimable == pool.pages for pool in core.cache.pools)
        assert all(pool.used_host == 0 for pool in core.cache.pools)


TestSchedules = Schedules.TestCase
TestSchedules.settings = settings(
    max_examples=500,
    stateful_step_count=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
