"""One session's fault is that session's error: the others say what they would have said alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from engines import CONFIG, tiny_config, tiny_engine, tiny_weights
from torch import Tensor

from model.engine.engine import Engine
from model.engine.generation import Generation, Request, ThinkBudget
from model.engine.prompt_lookup import DraftSettings
from model.engine.session import Session
from model.errors import CallbackError, EngineError, SamplingError, SessionError, TokenIdError
from model.step.sampler import Sampling
from model.text.stops import IdWatcher

WARM = Sampling(temperature=1.0, top_p=0.9, seed=3)
TOKENS = 14
PROMPT = [5, 6, 7, 8, 9, 10] * 4  # repeats, so that there are drafts


def engine_of() -> Engine:
    config = tiny_config(16)
    return tiny_engine(config, tiny_weights(config), speculation=DraftSettings(ngram=2))


@dataclass
class Bad(IdWatcher):
    """Fails by `error` in the call number `at` of one of its functions, else it is harmless."""

    where: str
    at: int
    error: BaseException
    calls: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def _call(self, where: str) -> None:
        if where == self.where:
            self.calls += 1
            if self.calls > self.at:
                raise self.error

    @property
    def thinking(self) -> bool:
        self._call("thinking")
        return False

    def push(self, token: int) -> bool:
        self._call("push")
        return super().push(token)

    def finish(self) -> str:
        self._call("finish")
        return ""

    def on_token(self, token: int) -> None:
        self._call("on_token")

    def mask(self, ids: Sequence[int]) -> None:
        self._call("mask")


def begin(session: Session, bad: Bad | None = None, tokens: int = TOKENS) -> Future[Generation]:
    session.append(PROMPT)
    if bad is None:
        return session.generate(Request(tokens, WARM), IdWatcher())
    return session.generate(Request(tokens, WARM, mask=bad.mask), bad, bad.on_token)


def alone(stream: int) -> tuple[int, ...]:
    engine = engine_of()
    future = begin(Session(engine, stream=stream))
    engine.run_until_idle()
    return future.result(0).ids


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


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (everything(CONFIG.vocabulary - 1), r"tensor of torch.bool \[39\]"),
        (everything()[None], r"\[1, 40\]"),
        (everything(dtype=torch.float32), "torch.float32"),
        ([True] * CONFIG.vocabulary, "a list"),
        (torch.zeros(CONFIG.vocabulary, dtype=torch.bool), "allows no token after 4 tokens"),
    ],
)
def test_a_mask_of_no_use_is_its_sessions_error(
    mask: object, said: str, expected: dict[int, tuple[int, ...]]
) -> None:
    engine = engine_of()
    sick, healthy = Session(engine, stream=1), Session(engine, stream=2)
    sick.append(PROMPT)
    request = Request(TOKENS, WARM, mask=lambda ids: mask if len(ids) >= 4 else None)  # type: ignore[arg-type, return-value]
    ill, well = sick.generate(request, IdWatcher()), begin(healthy)
    engine.run_until_idle()
    with pytest.raises(SamplingError, match=said):
        ill.result(0)
    assert well.result(0).ids == expected[2]


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
    with pytest.raises(SamplingError, match=r"top_k is 50.0"):
        Sampling(1.0, top_k=50.0)  # type: ignore[arg-type]
    seed = np.uint64(2**64 - 1)
    future = session.generate(Request(5, replace(WARM, seed=seed)), IdWatcher())  # type: ignore[arg-type]
    engine.run_until_idle()
    assert len(future.result(0).ids) == 5


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


def running(engine: Engine) -> tuple[list[Session], list[Future[Generation]]]:
    sessions = [Session(engine, stream=stream) for stream in range(3)]
    return sessions, [begin(session) for session in sessions]


@pytest.mark.parametrize("threaded", [False, True])
def test_a_callback_may_cancel_and_close_any_session(
    threaded: bool, expected: dict[int, tuple[int, ...]]
) -> None:
    """Also itself, and one that is later in the same step."""
    engine = engine_of()
    if threaded:
        engine.start()
    sessions = [Session(engine, stream=stream) for stream in range(4)]

    def end_them(token: int) -> None:
        sessions[3].cancel()
        sessions[2].close()
        sessions[1].close()

    futures = [begin(sessions[n]) for n in (0, 2, 3)]
    sessions[1].append(PROMPT)
    futures.append(sessions[1].generate(Request(TOKENS, WARM), IdWatcher(), end_them))
    if not threaded:
        engine.run_until_idle()
    first, *others = (future.result(60) for future in futures)
    assert first.ids == expected[0]
    assert {g.finish for g in others} <= {"cancelled", "length"}
    with pytest.raises(SessionError, match="closed"):
        sessions[1].append([1])
    engine.close()
    assert not engine.core.cache.holders


ACTS: dict[str, Callable[[Engine, Session], Any]] = {
    "open": lambda engine, session: Session(engine),
    "append": lambda engine, session: session.append([1]),
    "fork": lambda engine, session: session.fork(),
    "checkpoint": lambda engine, session: session.checkpoint(),
    "generate": lambda engine, session: session.generate(Request(3, WARM), IdWatcher()),
    "prefill": lambda engine, session: session.prefill(),
}


@pytest.mark.parametrize("act", ACTS)
def test_other_calls_out_of_a_callback_are_refused_and_do_not_hang(act: str) -> None:
    with engine_of() as engine:
        engine.start()
        resting, talking = Session(engine), Session(engine)
        resting.append([1, 2])
        talking.append(PROMPT)
        future = talking.generate(
            Request(5, WARM), IdWatcher(), lambda token: ACTS[act](engine, resting)
        )
        with pytest.raises(CallbackError, match="may only cancel and close"):
            future.result(60)
        begun = resting.generate(Request(3, WARM), IdWatcher())
        assert len(begun.result(60).ids) == 3


def test_the_callback_of_a_future_may_go_on_with_the_conversation() -> None:
    with engine_of() as engine:
        engine.start()
        session, other = Session(engine), Session(engine)
        second: Future[Future[Generation]] = Future()

        def go_on(first: Future[Generation]) -> None:
            other.close()
            session.append([1, 2, 3])
            second.set_result(session.generate(Request(4, WARM), IdWatcher()))
            raise SystemExit

        begin(other, tokens=500)
        begin(session).add_done_callback(go_on)
        assert len(second.result(60).result(60).ids) == 4
        future = session.generate(Request(300, WARM), IdWatcher())
        assert not future.cancel()  # a running answer ends by Session.cancel
        session.cancel()
        assert future.result(60).finish in ("cancelled", "length")


def test_an_engine_may_be_closed_by_a_callback() -> None:
    engine = engine_of()
    engine.start()
    session, other = Session(engine), Session(engine)
    waiting = begin(other, tokens=500)
    session.append(PROMPT)
    session.generate(Request(9, WARM), IdWatcher(), lambda token: engine.close())
    assert waiting.result(60).finish == "cancelled"
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        Session(engine)


def test_threads_that_race_for_one_session_hear_of_it() -> None:
    engine = engine_of()
    session = Session(engine)
    sequence = session._open()
    begin(session)
    with pytest.raises(SessionError, match="is generating"):
        engine.core.begin_prefill(sequence, Future())
    session.close()
    with pytest.raises(SessionError, match="closed"):
        engine.core.fork(sequence)
    assert engine.core.scheduler.idle


@pytest.mark.parametrize("error", [AssertionError("books"), SystemExit(1)])
@pytest.mark.parametrize("part", ["scheduler.plan", "cache.commit", "runner.run", "outbox.deliver"])
def test_an_engine_that_dies_tells_all_who_wait(
    part: str, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of()
    engine.start()
    _, futures = running(engine)
    owner, name = part.split(".")

    def die(*_: object) -> None:
        raise error

    engine.call(lambda: monkeypatch.setattr(type(getattr(engine.core, owner)), name, die))
    for future in futures:
        heard = future.exception(60)  # None: it was through already
        assert heard is None or type(error).__name__ in str(heard)
        assert heard is None or heard.__cause__ is error
    with pytest.raises(EngineError):
        begin(Session(engine)).result(60)
    engine.close()


def test_a_callback_that_does_not_return_is_named_and_nobody_waits_for_ever() -> None:
    engine = Engine(engine_of().core, callback_seconds=0.5)
    engine.start()
    release = threading.Event()

    def hang(token: int) -> None:
        release.wait(60)

    sick, healthy = Session(engine), Session(engine)
    well = begin(healthy, tokens=1200)
    sick.append(PROMPT)
    ill = sick.generate(Request(9, WARM), IdWatcher(), hang)
    for future in (ill, well):
        with pytest.raises(EngineError, match=r"has kept the engine for 0.5 s"):
            future.result(30)
    with pytest.raises(EngineError, match="has kept"):
        Session(engine)
    engine.close()
    release.set()
    deadline = time.monotonic() + 60
    while engine._thread is not None and engine._thread.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
