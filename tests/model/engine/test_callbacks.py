"""What callbacks may do, and an engine that is closed, dies or hangs: nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import torch

from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.session import Session
from model.errors import CallbackError, EngineError, SessionError
from model.text.stops import IdWatcher

from .faulty import PROMPT, TOKENS, WARM, alone, begin, engine_of


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def running(engine: Engine) -> tuple[list[Session], list[Future[Generation]]]:
    sessions = [Session(engine, stream=stream) for stream in range(3)]
    return sessions, [begin(session) for session in sessions]


@pytest.mark.parametrize("threaded", [False, True])
def test_a_callback_may_cancel_and_close_any_session(threaded: bool) -> None:
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
    assert first.ids == alone(0)
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
