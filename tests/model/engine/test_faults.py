"""One session's fault is that session's error: the others say what they would have said alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from engines import CONFIG
from torch import Tensor

from model.engine.generation import Request, ThinkBudget
from model.engine.session import Session
from model.errors import CallbackError, SamplingError, TokenIdError
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

from .faulty import PROMPT, TOKENS, WARM, Bad, alone, begin, engine_of


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def expected() -> dict[int, tuple[int, ...]]:
    return {stream: alone(stream) for stream in range(3)}


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3)])
@pytest.mark.parametrize("where", ["on_token", "mask", "push", "thinking", "finish"])
def test_what_a_callback_raises_is_its_sessions_error(
    where: str, error: BaseException, expected: dict[int, tuple[int, ...]]
) -> None:
    """One session for each step to fail at: the others' tokens are the same, and it can go on."""
    engine = engine_of()
    healthy = [Session(engine, stream=stream) for stream in (0, 2)]
    steps = [0] if where == "finish" else range(0, TOKENS, 2)
    sick = [Session(engine, stream=1) for _ in steps]
    ill = [begin(session, Bad(where, at, error)) for session, at in zip(sick, steps, strict=True)]
    well = [begin(session) for session in healthy]
    engine.run_until_idle()
    for future, session in zip(ill, sick, strict=True):
        with pytest.raises(CallbackError, match=type(error).__name__) as caught:
            future.result(0)
        assert caught.value.__cause__ is error
        assert session.ids == tuple(PROMPT)
    assert [future.result(0).ids for future in well] == [expected[0], expected[2]]
    again = sick[-1].generate(Request(TOKENS, WARM), IdWatcher())
    engine.run_until_idle()
    assert again.result(0).ids == expected[1]


def everything(size: int = CONFIG.vocabulary, dtype: torch.dtype = torch.bool) -> Tensor:
    return torch.ones(size, dtype=dtype)


def fails_alone(request: Request, said: str, expected: tuple[int, ...]) -> None:
    """The request ends with that SamplingError; a session beside it says what it would alone."""
    engine = engine_of()
    sick, healthy = Session(engine, stream=1), Session(engine, stream=2)
    sick.append(PROMPT)
    ill, well = sick.generate(request, IdWatcher()), begin(healthy)
    engine.run_until_idle()
    with pytest.raises(SamplingError, match=said):
        ill.result(0)
    assert well.result(0).ids == expected


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (everything(CONFIG.vocabulary - 1), r"tensor of torch.bool \[39\]"),
        (everything()[None], r"\[1, 40\]"),
        (everything(dtype=torch.float32), "torch.float32"),
        ([True] * CONFIG.vocabulary, "a list"),
        (torch.zeros(CONFIG.vocabulary, dtype=torch.bool), "allows no token after 4 tokens"),
        (everything().to("meta"), "without plain content"),
        (everything().to_sparse(), "without plain content"),
    ],
)
def test_a_mask_of_no_use_is_its_sessions_error(
    mask: object, said: str, expected: dict[int, tuple[int, ...]]
) -> None:
    request = Request(TOKENS, WARM, mask=lambda ids: mask if len(ids) >= 4 else None)  # type: ignore[arg-type, return-value]
    fails_alone(request, said, expected[2])


@pytest.mark.parametrize(
    ("bias", "said"),
    [
        ({CONFIG.vocabulary: 1.0}, "token id 40 is outside"),
        ({-1: 1.0}, "token id -1 is outside"),
        ({1.5: 1.0}, "token id 1.5 is outside"),
        ({"a": 1.0}, "token id 'a' is outside"),
        ({1: "much"}, "a bias is 'much'"),
        ({1: math.nan}, "a bias is nan"),
        ({1: math.inf}, "a bias is inf"),
        ({1: 1e300}, "a bias is 1e"),
        (dict.fromkeys(range(CONFIG.vocabulary), -math.inf), "allows no token after 4 tokens"),
        ([1.0] * CONFIG.vocabulary, "a list"),
        (torch.ones(CONFIG.vocabulary), "a Tensor"),
    ],
)
def test_a_bias_of_no_use_is_its_sessions_error(
    bias: object, said: str, expected: dict[int, tuple[int, ...]]
) -> None:
    request = Request(TOKENS, WARM, bias=lambda ids: bias if len(ids) >= 4 else None)  # type: ignore[arg-type, return-value]
    fails_alone(request, said, expected[2])


def test_a_bias_and_a_mask_may_not_forbid_everything_together() -> None:
    engine = engine_of()
    session = Session(engine)
    session.append(PROMPT)
    only = torch.zeros(CONFIG.vocabulary, dtype=torch.bool)
    only[3] = True
    request = Request(5, WARM, mask=lambda ids: only, bias=lambda ids: {3: -math.inf})
    future = session.generate(request, IdWatcher())
    engine.run_until_idle()
    with pytest.raises(SamplingError, match="bias allows no token"):
        future.result(0)


class SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_cannot_say_itself_is_told_by_its_name() -> None:
    engine = engine_of()
    session = Session(engine)
    future = begin(session, Bad("on_token", 1, SpeechlessError()))
    engine.run_until_idle()
    with pytest.raises(CallbackError, match="raised SpeechlessError;"):
        future.result(0)


def test_a_mask_may_fail_on_a_guess_that_it_forbids() -> None:
    """A grammar knows nothing of what it does not allow; a draft may propose just that."""
    asked: list[tuple[int, ...]] = []

    def only_even(ids: Sequence[int]) -> Tensor:
        asked.append(tuple(ids))
        if any(token % 2 for token in ids):
            raise ValueError("not a sentence of this grammar")
        allowed = torch.zeros(CONFIG.vocabulary, dtype=torch.bool)
        allowed[::2] = True
        return allowed

    engine = engine_of()
    session = Session(engine)
    session.append([4, 5, 6, 7] * 12)
    future = session.generate(Request(60, WARM, mask=only_even), IdWatcher())
    engine.run_until_idle()
    assert all(token % 2 == 0 for token in future.result(0).ids)
    assert session.counters.drafted > 0


def test_values_that_would_fail_a_step_for_all_are_refused_before() -> None:
    engine = engine_of()
    session = Session(engine)
    session.append([1])
    with pytest.raises(TokenIdError, match="99 is outside"):
        session.generate(Request(5, WARM, forced=(99,)), IdWatcher())
    budget = ThinkBudget(1, 2, close_ids=(-1,))
    with pytest.raises(TokenIdError, match="-1 is outside"):
        session.generate(Request(5, WARM, think_budget=budget), IdWatcher())
    for ids in ([1.0], ["a"], [None], torch.tensor([1.5]), np.array([99])):
        with pytest.raises(TokenIdError, match="is outside"):
            session.append(ids)  # type: ignore[arg-type]
    with pytest.raises(TokenIdError, match=r"1\.0 is outside"):
        session.generate(Request(5, WARM, forced=(1.0,)), IdWatcher())  # type: ignore[arg-type]
    session.append(torch.tensor([2]))  # type: ignore[arg-type]
    assert [type(token) for token in session.ids] == [int, int]
    seed = np.uint64(2**64 - 1)
    future = session.generate(Request(5, replace(WARM, seed=seed)), IdWatcher())
    engine.run_until_idle()
    assert len(future.result(0).ids) == 5


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Sampling(1.0, top_k=50.0), r"top_k is 50.0"),  # type: ignore[arg-type]
        (lambda: Sampling("1"), "temperature is '1'"),  # type: ignore[arg-type]
        (lambda: Request(5.5, WARM), r"max_tokens is 5.5"),  # type: ignore[arg-type]
        (lambda: Request(math.inf, WARM), "max_tokens is inf"),  # type: ignore[arg-type]
        (lambda: Request(5, WARM, logprobs=1.5), r"logprobs is 1.5"),  # type: ignore[arg-type]
        (lambda: ThinkBudget(0, 5, (1,), rank=1.5), r"rank is 1.5"),  # type: ignore[arg-type]
        (lambda: ThinkBudget(0, 5, (1,), rank=-1), "rank is -1"),
        (lambda: Session(engine_of(), stream="x"), "stream is 'x'"),  # type: ignore[arg-type]
    ],
)
def test_numbers_that_are_none_are_refused_where_they_are_given(
    make: Callable[[], object], said: str
) -> None:
    with pytest.raises(SamplingError, match=said):
        make()


def test_a_forced_token_that_ends_the_answer_ends_it() -> None:
    engine = engine_of()
    session = Session(engine)
    session.append([1, 2])
    future = session.generate(Request(9, WARM, forced=(7, 8, 9)), IdWatcher({8}))
    engine.run_until_idle()
    assert (future.result(0).ids, future.result(0).finish) == ((7, 8), "stop")
    bad = Bad("on_token", 1, ValueError("no"))
    future = session.generate(Request(9, WARM, forced=(7, 8, 9)), bad, bad.on_token)
    engine.run_until_idle()
    with pytest.raises(CallbackError):
        future.result(0)
    assert session.ids == (1, 2, 7, 8)
