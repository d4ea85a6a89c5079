"""What the engine promises beside equal answers: bounds, fairness, errors that stay in place."""

from __future__ import annotations

import random
import resource
from dataclasses import replace

import pytest
import torch
from engines import CONFIG, CPU, naive_answer, tiny_config, tiny_engine, tiny_weights

from model.checkpoint.weights import random_weights
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.generation import Request, ThinkBudget
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.errors import EngineError, PoolTooSmallError, SamplingError
from model.kvcache.layer_groups import group_layers, kv_bytes
from model.kvcache.sizing import PageCosts, plan_pages
from model.step.plan import StepPlan
from model.step.sampler import GREEDY, Draw, Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)


def engine_of(window: int | None = 16, **options: object) -> Engine:
    config = tiny_config(window)
    return tiny_engine(config, tiny_weights(config), **options)  # type: ignore[arg-type]


def say(engine: Engine, session: Session, request: Request) -> tuple[int, ...]:
    future = session.generate(request, IdWatcher())
    engine.run_until_idle()
    return future.result(timeout=0).ids


@pytest.mark.parametrize("window", [None, 16, 7])
def test_two_turns_equal_the_plain_run(window: int | None) -> None:
    config = tiny_config(window)
    weights = tiny_weights(config)
    engine = tiny_engine(config, weights)
    session = Session(engine, stream=5)
    context: list[int] = []
    for turn in ([1, 2, 3, 4, 5] * 5, [7, 8, 9]):
        session.append(turn)
        context += turn
        said = list(say(engine, session, Request(30, WARM)))
        assert said == naive_answer(config, weights, context, 30, WARM, 5)
        context += said
    assert session.counters.recomputed == 0


def test_resting_sessions_keep_what_the_formula_says() -> None:
    """Window layers keep their window, full layers everything, rounded up to pages."""
    config, page = tiny_config(16), 4
    engine = engine_of()
    session = Session(engine)
    session.append([1, 2, 3] * 70)
    session.prefill()
    engine.run_until_idle()
    tokens = len(session.ids) - 1
    groups = group_layers(config.windows)
    held = [len(t.blocks) for t in session._open().cache.tables]
    per_token = 2 * config.kv_heads * config.head_dim * 8
    used = sum(
        blocks * page * per_token * len(group.layers)
        for blocks, group in zip(held, groups, strict=True)
    )
    formula = kv_bytes(groups, tokens, config.kv_heads, config.head_dim, itemsize=8)
    rounding = sum(2 * page * per_token * len(group.layers) for group in groups)
    assert formula <= used + 16 * per_token
    assert used <= formula + rounding


def test_the_formula_gives_the_published_figures_for_the_32b_shape() -> None:
    windows = tuple(None if i % 4 == 0 or i == 63 else 8192 for i in range(64))
    groups = group_layers(windows)

    def size(tokens: int) -> int:
        return kv_bytes(groups, tokens, kv_heads=8, head_dim=128, itemsize=2)

    assert [len(group.layers) for group in groups] == [17, 47]
    assert size(100_001) - size(100_000) == 68 * 1024
    constant = size(100_000) - 100_000 * 68 * 1024
    assert constant == pytest.approx(1.47 * 2**30, rel=1e-3)
    assert size(131_072) == pytest.approx(9.97 * 2**30, rel=1e-3)


def test_a_draft_saves_steps_and_changes_nothing() -> None:
    """A session that repeats itself: the same ids in far fewer steps."""
    prompt = [5, 6, 7, 8, 9, 10, 11, 12] * 6
    answers, steps = [], []
    for speculation in (None, DraftSettings(ngram=2)):
        engine = engine_of(speculation=speculation)
        session = Session(engine)
        session.append(prompt)
        answers.append(say(engine, session, Request(120, GREEDY)))
        steps.append(session.counters.steps)
    assert answers[0] == answers[1]
    assert steps[1] < steps[0] / 2


def test_a_session_that_waits_comes_back_from_the_host() -> None:
    """Pages for about one and a half sessions: the resting one moves out, nothing is recomputed."""
    config = tiny_config(16)
    weights = tiny_weights(config)
    engine = tiny_engine(config, weights, pages=(60, 60), host_slots=(100, 100))
    one, two = Session(engine, stream=1), Session(engine, stream=2)
    contexts = {one: [1, 2, 3] * 30, two: [4, 5, 6] * 40}
    for session, context in contexts.items():
        session.append(context)
    for _ in range(3):
        for session, context in contexts.items():
            said = say(engine, session, Request(8, WARM))
            expected = naive_answer(config, weights, context, 8, WARM, session._stream)
            assert list(said) == expected
            session.append([7])
            context += [*said, 7]
    assert one.counters.swapped_in > 20
    assert (one.counters.recomputed, two.counters.recomputed) == (0, 0)


def test_a_long_prompt_does_not_hold_up_those_who_decode() -> None:
    engine = engine_of(settings=SchedulerSettings(token_budget=20, chunk=16))
    quick, slow = Session(engine), Session(engine)
    quick.append([1, 2, 3])
    tokens: list[int] = []
    quick.generate(Request(60, GREEDY), IdWatcher(), tokens.append)
    engine.run_until_idle(2)
    slow.append([4] * 400)
    slow.prefill()
    before = len(tokens)
    engine.run_until_idle(10)
    assert len(tokens) == before + 10
    assert slow._open().cache.length >= 10 * 15


def test_jobs_share_the_prefill() -> None:
    """One job with many prompts does not starve a job with a single one."""
    engine = engine_of(settings=SchedulerSettings(token_budget=16, chunk=16), pages=(900, 900))
    crowd = [Session(engine, job="crowd") for _ in range(10)]
    for number, session in enumerate(crowd):
        session.append([number] * 100)
        session.prefill()
    engine.run_until_idle(2)
    alone = Session(engine, job="alone")
    alone.append([30] * 100)
    done = alone.prefill()
    engine.run_until_idle(16)
    assert done.done()
    engine.run_until_idle()


def test_a_thought_is_closed_by_force() -> None:
    class Thinking(IdWatcher):
        """Thinks until id 38 was seen."""

        still = True

        @property
        def thinking(self) -> bool:
            return self.still

        def push(self, token: int) -> bool:
            self.still = self.still and token != 38
            return super().push(token)

    engine = engine_of()
    session = Session(engine)
    session.append([1, 2, 3])
    mask = torch.ones(CONFIG.vocabulary, dtype=torch.bool)
    mask[38] = False  # it never ends a thought by itself
    budget = ThinkBudget(soft=8, hard=12, close_ids=(37, 38), rank=1)
    request = Request(30, WARM, think_budget=budget, mask=lambda ids: mask, logprobs=2)
    future = session.generate(request, Thinking())
    engine.run_until_idle()
    generation = future.result(timeout=0)
    place = generation.ids.index(38)
    assert 9 <= place <= 13
    assert generation.ids[place - 1] == 37
    assert len(generation.ids) == 30
    assert generation.logprobs is not None
    forced = [i for i, entry in enumerate(generation.logprobs) if entry.logprob is None]
    assert forced == [place - 1, place]
    assert all(len(e.top) == 2 for i, e in enumerate(generation.logprobs) if i not in forced)


def test_forced_tokens_start_an_answer() -> None:
    config = tiny_config(16)
    weights = tiny_weights(config)
    engine = tiny_engine(config, weights)
    session = Session(engine, stream=2)
    session.append([1, 2, 3])
    said = say(engine, session, Request(12, WARM, forced=(9, 8, 7)))
    assert said[:3] == (9, 8, 7)
    assert list(said[3:]) == naive_answer(config, weights, [1, 2, 3, 9, 8, 7], 9, WARM, 2)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: Request(0, GREEDY), "max_tokens is 0"),
        (lambda: Request(2, GREEDY, forced=(1, 2)), "2 forced tokens leave nothing"),
        (lambda: Request(5, GREEDY, logprobs=-1), "logprobs is -1"),
        (lambda: ThinkBudget(9, 4, (1,)), "soft is 9 and hard 4"),
        (lambda: ThinkBudget(1, 4, ()), "close_ids is empty"),
        (lambda: Sampling(0.0, top_k=4), "no meaning at temperature 0"),
        (lambda: Sampling(1.0, min_p=1.0), "min_p is 1.0"),
    ],
)
def test_contradictory_requests_are_refused(build: object, said: str) -> None:
    with pytest.raises(SamplingError, match=said):
        build()  # type: ignore[operator]


def test_a_pool_too_small_for_one_sequence_says_so_and_the_others_go_on() -> None:
    engine = engine_of(pages=(12, 30))
    large, small = Session(engine), Session(engine)
    large.append([1] * 200)
    small.append([2] * 20)
    with pytest.raises(PoolTooSmallError, match="does not fit the KV pages"):
        large.generate(Request(5, GREEDY), IdWatcher())
    assert len(say(engine, small, Request(5, GREEDY))) == 5


def test_kv_memory_decides_how_long_a_context_may_be() -> None:
    config = replace(tiny_config(16), context=100_000)
    costs = PageCosts(config, itemsize=8, page_size=4, chunk=256)
    assert 256 < plan_pages(costs, 2**20).context < 100_000
    with pytest.raises(PoolTooSmallError, match="hold no sequence"):
        plan_pages(costs, 2**12)


def test_a_device_that_fails_is_an_error_for_all_and_for_ever() -> None:
    class Broken:
        def run(self, plan: StepPlan) -> torch.Tensor:
            raise RuntimeError("the card fell off the bus")

        def takes(self, plan: StepPlan, draws: list[Draw]) -> bool:
            return False

    engine = engine_of()
    engine.core.runner = Broken()
    sessions = [Session(engine) for _ in range(3)]
    futures = []
    for session in sessions:
        session.append([1, 2])
        futures.append(session.generate(Request(5, GREEDY), IdWatcher()))
    engine.run_until_idle()
    for future in futures:
        with pytest.raises(EngineError, match="the card fell off the bus"):
            future.result(timeout=0)
    with pytest.raises(EngineError, match="has stopped"):
        sessions[0].generate(Request(5, GREEDY), IdWatcher())


def test_a_thousand_sessions_leave_nothing_behind() -> None:
    engine = engine_of(pages=(60, 60), host_slots=(30, 30), check=False)
    order = random.Random(5)
    lives: list[Session] = []
    for number in range(1000):
        session = Session(engine, job=str(number % 3))
        session.append([order.randrange(40) for _ in range(order.randrange(1, 20))])
        session.generate(Request(order.randrange(1, 8), WARM), IdWatcher())
        lives.append(session)
        engine.run_until_idle(order.randrange(3))
        if order.random() < 0.5:
            order.choice(lives).cancel()
        while len(lives) > order.randrange(12):
            lives.pop(order.randrange(len(lives))).close()
    for session in lives:
        session.close()
    core = engine.core
    core.cache.check()
    assert not core.cache.holders
    assert not core._sequences
    assert not core._progress
    assert all(pool.reclaimable == pool.pages for pool in core.cache.pools)
    assert all(pool.used_host == 0 for pool in core.cache.pools)


@pytest.mark.parametrize("length", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_long_session_runs_in_bounded_memory(length: int) -> None:
    """The window group stays small; memory is the pages and the work of one chunk."""
    config = replace(
        CONFIG,
        layers=2,
        windows=(16, None),
        context=110_000,
        hidden=8,
        intermediate=8,
        heads=1,
        kv_heads=1,
        head_dim=4,
    )
    weights = random_weights(config, seed=0, device=CPU, dtype=torch.float32)
    scheduling = SchedulerSettings(token_budget=512, chunk=512)
    engine = build_engine(config, weights, EngineOptions(kv_bytes=2**23, scheduling=scheduling))
    session = Session(engine)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for part in range(10):
        session.append([part] * (length // 10))
        assert len(say(engine, session, Request(3, GREEDY))) == 3
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert session.counters.recomputed == 0
    tables = session._open().cache.tables
    held = {group.window: t for group, t in zip(engine.core.cache.groups, tables, strict=True)}
    assert len(held[16].blocks) <= 2
    assert len(held[None].blocks) == -(-(length + 29) // 16)
    # 8 MiB of pages; scores and mask of one chunk against all keys, a few times over.
    assert grown < 2**23 + 2**25 + 4 * (512 * length * 5)
