"""A prompt that was computed before is begun with the logits that it ended with."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from engines import naive_answer, tiny_config, tiny_engine, tiny_weights

from model.engine.engine import Engine
from model.engine.generation import Generation, Request, ThinkBudget
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.kvcache.prompt_ends import PromptEnds
from model.step.sampler import GREEDY, Sampling
from model.text.stops import IdWatcher

CONFIG = tiny_config(16)
WEIGHTS = tiny_weights(CONFIG)
PROMPT = [1, 2, 3, 4, 5, 6, 7] * 4
WARM = Sampling(temperature=0.7, top_p=0.9, seed=11)


def answer(
    engine: Engine, request: Request, prompt: Sequence[int] = PROMPT, stream: int = 0
) -> Generation:
    """By a session of its own, which is closed again."""
    session = Session(engine, stream=stream)
    session.append(prompt)
    future = session.generate(request, IdWatcher())
    engine.run_until_idle()
    session.close()
    return future.result()


@pytest.mark.parametrize("sampling", [GREEDY, WARM])
@pytest.mark.parametrize("length", [5, 20, 21, 24])  # with and without a page that is cut
def test_the_second_computes_nothing_and_says_the_same(length: int, sampling: Sampling) -> None:
    engine = tiny_engine(CONFIG, WEIGHTS)
    prompt = PROMPT[:length]
    for stream in range(3):
        found = answer(engine, Request(8, sampling), prompt, stream)
        assert list(found.ids) == naive_answer(CONFIG, WEIGHTS, prompt, 8, sampling, stream)
        assert (found.prefilled, found.cached) == ((0, length) if stream else (length, 0))


def only(token: int) -> torch.Tensor:
    allowed = torch.zeros(CONFIG.vocabulary, dtype=torch.bool)
    allowed[token] = True
    return allowed


@pytest.mark.parametrize(
    "request_",
    [
        Request(6, WARM, forced=(9, 8)),
        Request(6, WARM, logprobs=3),
        Request(6, WARM, mask=lambda ids: None if ids else only(17)),
        Request(6, WARM, bias=lambda ids: {} if ids else {17: 1e6}),
        Request(6, WARM, think_budget=ThinkBudget(0, 0, (5, 6))),
        Request(1, WARM),
    ],
    ids=["forced", "logprobs", "mask", "bias", "thinking", "one token"],
)
def test_whatever_is_asked_of_the_first_token_holds(request_: Request) -> None:
    engine = tiny_engine(CONFIG, WEIGHTS)
    first, second = (answer(engine, request_) for _ in range(2))
    assert (second.ids, second.finish) == (first.ids, first.finish)
    assert second.prefilled == 0
    if first.logprobs and second.logprobs:
        pairs = zip(first.logprobs, second.logprobs, strict=True)
        assert all(one.logprob == pytest.approx(two.logprob) for one, two in pairs)


def test_a_mask_that_fails_ends_that_answer_alone_and_can_be_mended() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS)
    alone = answer(engine, Request(8, GREEDY))
    session = Session(engine)
    session.append(PROMPT)
    failing = session.generate(Request(8, GREEDY, mask=lambda ids: 1 // 0), IdWatcher())  # type: ignore[arg-type, return-value]
    engine.run_until_idle()
    assert "ZeroDivisionError" in str(failing.exception())
    again = session.generate(Request(8, GREEDY), IdWatcher())
    engine.run_until_idle()
    assert again.result().ids == alone.ids


def test_logits_are_of_no_use_without_the_pages_of_their_prompt() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, pages=(16, 16))
    alone = answer(engine, Request(8, WARM))
    answer(engine, Request(8, WARM), [30, *range(2, 32), *range(2, 18)])  # takes all pages
    assert len(engine.core.scheduler.ends) == 2
    again = answer(engine, Request(8, WARM))
    assert (again.ids, again.prefilled) == (alone.ids, len(PROMPT))


def test_many_that_wait_for_pages_still_say_the_same() -> None:
    """Some begin with known logits, find no room for their first token, and step back."""
    engine = tiny_engine(CONFIG, WEIGHTS, pages=(11, 11))
    sessions = [Session(engine, stream=stream) for stream in range(6)]
    for session in sessions:
        session.append(PROMPT)
    answers = [session.generate(Request(12, WARM), IdWatcher()) for session in sessions]
    sessions[3].cancel()
    engine.run_until_idle()
    again = sessions[3].generate(Request(12, WARM), IdWatcher())
    engine.run_until_idle()
    for stream, future in enumerate((*answers[:3], again, *answers[4:])):
        alone = naive_answer(CONFIG, WEIGHTS, PROMPT, 12, WARM, stream)
        assert list(future.result().ids) == alone


def test_the_deterministic_schedule_shares_nothing() -> None:
    engine = tiny_engine(CONFIG, WEIGHTS, settings=SchedulerSettings(aligned=True))
    found = [answer(engine, Request(4, WARM)) for _ in range(2)]
    assert [one.prefilled for one in found] == [len(PROMPT)] * 2
    assert len(engine.core.scheduler.ends) == 0


def test_a_bounded_number_is_kept_those_used_last() -> None:
    ends = PromptEnds(most=2)
    rows = torch.eye(3)
    for number in (0, 1):
        ends.keep([number], rows[number])
    assert ends.find([0]) is not None
    ends.keep([2], rows[2])
    assert len(ends) == 2
    assert ends.find([1]) is None
    found = ends.find([0])
    assert found is not None
    rows[0] = 0  # the buffer of a step is written again
    assert found.tolist() == [1, 0, 0]
    ends.forget([0])
    assert ends.find([0]) is None
