"""What the engine promises beside equal answers: fairness, errors that stay in place."""

from __future__ import annotations

import pytest
import torch
from engines import (
    CONFIG,
    engine_of,
    naive_answer,
    say,
    tiny_config,
    tiny_engine,
    tiny_weights,
)

from model.engine.generation import Request, ThinkBudget
from model.engine.prompt_lookup import DraftSettings
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.errors import EngineError, SamplingError
from model.step.plan import StepPlan
from model.step.sampler import GREEDY, Draw, Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)


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


def test_a_device_that_fails_is_an_error_for_all_and_for_ever() -> None:
    class Broken:
        def run(self, plan: StepPlan) -> torch.Tensor:
            raise RuntimeError("the card fell off the bus")

        def launch(self, plan: StepPlan, draws: list[Draw]) -> None:
            return None

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
