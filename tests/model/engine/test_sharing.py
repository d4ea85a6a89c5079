"""What several prompts have in common at their beginning is computed once, even at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from engines import naive_answer, tiny_config, tiny_engine, tiny_weights

from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

PAGE = 4
PROMPT = [1, 2, 3, 4, 5, 6, 7] * 13
WARM = Sampling(temperature=0.7, top_p=0.9, seed=11)
SLOW = SchedulerSettings(token_budget=24, chunk=16)
"""A prompt takes several steps, and two could be computed in the same step."""
CONFIG = tiny_config(16)
WEIGHTS = tiny_weights(CONFIG)


def begin(engine: Engine, prompts: Sequence[Sequence[int]]) -> list[Session]:
    """Sessions that have their prompts and have computed nothing yet."""
    sessions = [Session(engine, job=str(n), stream=n) for n in range(len(prompts))]
    for session, prompt in zip(sessions, prompts, strict=True):
        session.append(prompt)
    return sessions


def prefilled(sessions: Sequence[Session]) -> int:
    return sum(session.counters.prefilled for session in sessions)


@pytest.mark.parametrize("settings", [SLOW, SchedulerSettings()])
def test_samples_that_start_together_cost_one_prefill(settings: SchedulerSettings) -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=PAGE, settings=settings)
    sessions = begin(engine, [PROMPT] * 4)
    answers = [session.generate(Request(20, WARM), IdWatcher()) for session in sessions]
    engine.run_until_idle()
    assert prefilled(sessions) == len(PROMPT)
    load = engine.load()
    assert (load.prefilled, load.decoded) == (prefilled(sessions), 80)
    assert load.prefilled + load.cached == 4 * len(PROMPT)
    for stream, future in enumerate(answers):
        alone = naive_answer(CONFIG, WEIGHTS, PROMPT, 20, WARM, stream)
        assert list(future.result().ids) == alone


@pytest.mark.parametrize(("together", "length"), [(1, 78), (4, 80), (16, 81)])
def test_sixteen_samples_cost_one_prefill(together: int, length: int) -> None:
    """However many run at once, also when those before them are gone."""
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=16, settings=SLOW)
    prompt = [n % 31 + 1 for n in range(length)]
    for first in range(0, 16, together):
        sessions = begin(engine, [prompt] * together)
        answers = [session.generate(Request(4, WARM), IdWatcher()) for session in sessions]
        engine.run_until_idle()
        alone = naive_answer(CONFIG, WEIGHTS, prompt, 4, WARM, 0) if first == 0 else None
        assert alone is None or list(answers[0].result().ids) == alone
        for session in sessions:
            session.close()
    assert engine.load().prefilled == length


def test_a_page_that_goes_on_differently_is_shared_as_far_as_it_is_equal() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=16, settings=SLOW)
    prompts = [[*range(1, 27), tail, tail, tail] for tail in (28, 29, 30)]
    answers = []
    for stream, prompt in enumerate(prompts):
        session = Session(engine, stream=stream)
        session.append(prompt)
        answers.append(session.generate(Request(9, WARM), IdWatcher()))
        engine.run_until_idle()
        assert session.counters.prefilled == (29 if stream == 0 else 3)
    for stream, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        assert list(answer.result().ids) == naive_answer(CONFIG, WEIGHTS, prompt, 9, WARM, stream)


def test_a_prefill_that_finds_everything_keeps_what_it_found() -> None:
    """Nothing is left to run then, but the page that it shares must still be copied."""
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=16, settings=SLOW)
    first, second = begin(engine, [PROMPT[:30], PROMPT[:30]])
    first.prefill()
    engine.run_until_idle()
    second.prefill()
    engine.run_until_idle()
    assert second.counters.prefilled == 0
    answer = second.generate(Request(9, WARM), IdWatcher())
    engine.run_until_idle()
    assert list(answer.result().ids) == naive_answer(CONFIG, WEIGHTS, PROMPT[:30], 9, WARM, 1)


def test_only_the_common_beginning_is_waited_for() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=PAGE, settings=SLOW)
    prompts = [PROMPT[:40] + [tail] * 50 for tail in (8, 9, 10)]
    sessions = begin(engine, prompts)
    answers = [session.generate(Request(5, WARM), IdWatcher()) for session in sessions]
    engine.run_until_idle()
    assert prefilled(sessions) == 40 + 3 * 50
    for stream, (prompt, future) in enumerate(zip(prompts, answers, strict=True)):
        alone = naive_answer(CONFIG, WEIGHTS, prompt, 5, WARM, stream)
        assert list(future.result().ids) == alone


def test_prompts_without_a_common_page_do_not_wait() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=PAGE, settings=SchedulerSettings(chunk=16))
    sessions = begin(engine, [[1, 2, 3, *[tail] * 60] for tail in (8, 9)])
    for session in sessions:
        session.prefill()
    engine.run_until_idle(1)
    assert [session.counters.prefilled for session in sessions] == [16, 16]


def test_when_the_first_one_gives_up_the_next_goes_on_from_there() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, page_size=PAGE, settings=SLOW)
    sessions = begin(engine, [PROMPT] * 3)
    answers = [session.generate(Request(6, WARM), IdWatcher()) for session in sessions]
    engine.run_until_idle(2)
    assert [session.counters.prefilled for session in sessions] == [32, 0, 0]
    sessions[0].cancel()
    engine.run_until_idle()
    assert answers[0].result().finish == "cancelled"
    assert prefilled(sessions) == len(PROMPT)
    for stream in (1, 2):
        alone = naive_answer(CONFIG, WEIGHTS, PROMPT, 6, WARM, stream)
        assert list(answers[stream].result().ids) == alone


def test_an_engine_says_how_full_it_is() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, pages=(100, 100), page_size=PAGE)
    assert engine.load().kv_used == 0
    (session,) = begin(engine, [PROMPT])
    session.prefill()
    engine.run_until_idle()
    assert engine.load().kv_used == pytest.approx(0.23)  # 90 of 91 tokens: 23 pages of 100
    session.close()
    assert engine.load().kv_used == 0
