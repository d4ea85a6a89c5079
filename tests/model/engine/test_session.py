"""A session computes every token once and can be stopped, forked and taken back at any point."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model.checkpoint.open import Checkpoint, load_checkpoint
from model.engine.build import EngineOptions, build_engine
from model.engine.engine import Engine
from model.engine.generation import Generation, Request
from model.engine.scheduler import SchedulerSettings
from model.engine.session import Session
from model.errors import (
    ContextOverflowError,
    EngineError,
    NumericsError,
    SamplingError,
    SessionError,
    TokenIdError,
)
from model.kvcache.dense import DenseCache
from model.runner.transformer import Transformer
from model.step.sampler import GREEDY, Sampling
from model.text.stops import IdWatcher, StopRules, StopWatcher

HOT = Sampling(temperature=1.0, top_p=0.95, seed=3)


@pytest.fixture
def checkpoint(make_checkpoint: Callable[..., Path]) -> Checkpoint:
    torch.set_num_threads(1)
    return load_checkpoint(make_checkpoint(), device="cpu")


def open_engine(checkpoint: Checkpoint, chunk: int = 512) -> Engine:
    options = EngineOptions(kv_bytes=2**23, scheduling=SchedulerSettings(chunk=chunk))
    engine = build_engine(checkpoint.config, checkpoint.weights, options)
    engine.start()
    return engine


@pytest.fixture
def engine(checkpoint: Checkpoint) -> Iterator[Engine]:
    with open_engine(checkpoint) as engine:
        yield engine


def answer(session: Session, tokens: int, sampling: Sampling = GREEDY) -> Generation:
    return session.generate(Request(tokens, sampling), IdWatcher()).result(60)


def logits_of(checkpoint: Checkpoint, ids: tuple[int, ...]) -> torch.Tensor:
    """One forward pass over the whole, (len(ids), vocabulary)."""
    cache = DenseCache(checkpoint.config, torch.device("cpu"), torch.float32)
    model = Transformer(checkpoint.config, checkpoint.weights)
    return model.logits(torch.tensor(ids), cache, last_only=False)


@pytest.mark.parametrize("chunk", [1, 5, 16, 512])
def test_many_turns_equal_one_forward_of_the_same_ids(checkpoint: Checkpoint, chunk: int) -> None:
    with open_engine(checkpoint, chunk) as engine:
        session = Session(engine)
        sampled: list[int] = []
        for turn, length in enumerate([40, 1, 17, 16, 15]):
            session.append([(turn * 31 + i * 7) % 280 for i in range(length)])
            start = len(session.ids)
            ids = answer(session, 9).ids
            assert session.ids[start:] == ids
            sampled += range(start, start + 9)
        best = logits_of(checkpoint, session.ids).argmax(-1).tolist()
        assert [session.ids[place] for place in sampled] == [best[place - 1] for place in sampled]


def test_only_new_tokens_are_computed(engine: Engine) -> None:
    session = Session(engine)
    session.append(range(30))
    first = answer(session, 10)
    session.append(range(5))
    second = answer(session, 10)
    assert (first.prompt_tokens, first.cached, first.prefilled) == (30, 0, 30)
    # The last sampled token of a turn is computed with the next one.
    assert (second.prompt_tokens, second.cached, second.prefilled) == (45, 39, 6)


def test_another_session_finds_a_shared_beginning(engine: Engine) -> None:
    one, two = Session(engine), Session(engine)
    one.append(range(100))
    two.append([*range(90), 7, 7, 7])
    first, second = answer(one, 5), answer(two, 5)
    assert first.cached == 0
    assert second.cached == 90  # down to the first difference
    alone = Session(engine)
    alone.append(two.ids[:93])
    assert answer(alone, 5).ids == second.ids


def test_a_continuation_draws_the_same_tokens(engine: Engine) -> None:
    whole = Session(engine)
    whole.append(range(20))
    expected = answer(whole, 24, HOT).ids
    parts = Session(engine)
    parts.append(range(20))
    found = answer(parts, 7, HOT).ids
    resumed = Session(engine)
    resumed.append(parts.ids)
    assert found + answer(resumed, 17, HOT).ids == expected
    other = Session(engine)
    other.append(range(20))
    assert answer(other, 24, replace(HOT, seed=4)).ids != expected


def test_forks_share_the_past_and_draw_their_own_future(engine: Engine) -> None:
    root = Session(engine, stream=1)
    root.append(range(64))
    root.prefill().result(60)
    twins = root.fork(3)
    answers = [answer(twin, 12, HOT) for twin in (root, *twins)]
    assert [a.prefilled for a in answers] == [1] * 4  # only the token whose logits are needed
    assert len({a.ids for a in answers}) == 4
    again = Session(engine, stream=1)
    again.append(range(64))
    assert [answer(twin, 12, HOT).ids for twin in again.fork(3)] == [a.ids for a in answers[1:]]


def test_going_back_to_a_checkpoint_repeats_the_answer(engine: Engine) -> None:
    session = Session(engine)
    session.append(range(40))
    here = session.checkpoint()
    first = answer(session, 60, HOT)
    there = session.checkpoint()
    session.rollback(here)
    assert session.ids == tuple(range(40))
    assert answer(session, 60, HOT).ids == first.ids
    session.rollback(10)
    session.append([5, 5, 5])
    answer(session, 4)
    session.rollback(there)  # a point on the path that was left
    assert session.ids[40:] == first.ids
    session.release(here)
    session.release(there)


def test_a_stop_token_is_kept_in_ids_and_hidden_in_text(
    engine: Engine, checkpoint: Checkpoint
) -> None:
    session = Session(engine)
    session.append(range(20))
    expected = answer(session, 12).ids
    again = Session(engine)
    again.append(range(20))
    watcher = StopWatcher(checkpoint.tokenizer, StopRules({expected[5]}), thinking=False)
    stopped = again.generate(Request(12, GREEDY), watcher).result(60)
    assert stopped.finish == "stop"
    assert stopped.ids == expected[: expected.index(expected[5]) + 1]
    assert stopped.text == checkpoint.tokenizer.decode(stopped.ids)


def test_length_is_exact_and_the_context_is_its_limit(make_checkpoint: Callable[..., Path]) -> None:
    checkpoint = load_checkpoint(make_checkpoint(max_position_embeddings=64), device="cpu")
    with open_engine(checkpoint) as engine:
        session = Session(engine)
        session.append(range(50))
        cut = answer(session, 4)
        assert (cut.finish, len(cut.ids)) == ("length", 4)
        full = answer(session, 1000)
        assert (full.finish, len(session.ids)) == ("length", 64)
        with pytest.raises(ContextOverflowError, match="all 64 tokens"):
            answer(session, 1)


def test_cancelling_keeps_what_was_computed(engine: Engine) -> None:
    session = Session(engine)
    session.append(range(20))
    started = threading.Event()
    future = session.generate(Request(400, GREEDY), IdWatcher(), lambda token: started.set())
    assert started.wait(30)
    session.cancel()
    cut = future.result(30)
    assert cut.finish == "cancelled"
    assert 0 < len(cut.ids) < 400
    rest = answer(session, 5)
    whole = Session(engine)
    whole.append(range(20))
    assert answer(whole, len(cut.ids) + 5).ids == cut.ids + rest.ids


def test_cancelling_before_an_answer_ends_it_at_once(engine: Engine) -> None:
    session = Session(engine)
    session.append(range(20))
    session.cancel()
    cut = answer(session, 5)
    assert (cut.finish, cut.ids, cut.text, cut.prefilled) == ("cancelled", (), "", 0)
    assert answer(session, 5).finish == "length"


@pytest.mark.parametrize("token", [-1, 536, 2**40])
def test_ids_outside_the_vocabulary_are_refused(engine: Engine, token: int) -> None:
    session = Session(engine)
    session.append([1, 2])
    with pytest.raises(TokenIdError, match=f"{token} is outside the vocabulary of 536"):
        session.append([3, token])
    assert session.ids == (1, 2)


def test_a_context_that_is_too_long_is_refused_whole(engine: Engine) -> None:
    session = Session(engine)
    session.append([1] * 500)
    with pytest.raises(ContextOverflowError, match="513 tokens, the model holds 512"):
        session.append([1] * 13)
    assert len(session.ids) == 500


def test_numbers_that_are_none_end_one_answer_and_no_other(
    engine: Engine, checkpoint: Checkpoint
) -> None:
    """A weight that makes one token poisonous: the error says so, and the context is kept."""
    checkpoint.weights.embedding[279] = torch.nan
    sick, healthy = Session(engine), Session(engine)
    sick.append(range(20))
    first = answer(sick, 5)
    kept = sick.ids
    sick.append([279])
    healthy.append(range(20))
    ill, well = (s.generate(Request(5, GREEDY), IdWatcher()) for s in (sick, healthy))
    with pytest.raises(NumericsError, match="not finite"):
        ill.result(60)
    assert sick.ids == (*kept, 279)
    assert well.result(60).ids == first.ids
    sick.rollback(20)
    assert answer(sick, 5).ids == first.ids


def test_misuse_is_named(engine: Engine) -> None:
    session = Session(engine)
    with pytest.raises(SessionError, match="context is empty"):
        answer(session, 5)
    session.append([1])
    with pytest.raises(SamplingError, match="max_tokens is 0"):
        answer(session, 0)
    with pytest.raises(SessionError, match="cannot go back to 2"):
        session.rollback(2)
    session.close()
    with pytest.raises(SessionError, match="closed"):
        session.append([1])
    other = Session(engine)
    other.append([1])
    running = other.generate(Request(500, GREEDY), IdWatcher())
    with pytest.raises(SessionError, match="is generating"):
        other.append([1])
    other.close()
    assert running.result(30).finish == "cancelled"
    engine.close()
    with pytest.raises(EngineError, match="closed"):
        Session(engine)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_tokens_on_cuda(make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint()
    answers = []
    for device in ("cpu", "cuda"):
        checkpoint = load_checkpoint(folder, device=device, dtype="float32")
        with open_engine(checkpoint, chunk=7) as engine:
            session = Session(engine)
            session.append(range(40))
            answers.append(answer(session, 24, HOT).ids)
    assert answers[0] == answers[1]
