"""A session computes every token once and can be stopped and continued at any point."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from model.cache.dense import DenseCache
from model.checkpoint import Checkpoint, load_checkpoint
from model.errors import (
    ContextOverflowError,
    NumericsError,
    SamplingError,
    SessionError,
    TokenIdError,
)
from model.sampler import GREEDY, Sampling
from model.session import Generation, Session
from model.stops import StopWatcher

HOT = Sampling(temperature=1.0, top_p=0.95)


@pytest.fixture
def checkpoint(make_checkpoint: Callable[..., Path]) -> Checkpoint:
    torch.set_num_threads(1)
    return load_checkpoint(make_checkpoint(), device="cpu")


def open_session(
    checkpoint: Checkpoint, sampling: Sampling = GREEDY, seed: int = 0, chunk: int = 512
) -> Session:
    return Session(checkpoint.transformer, sampling=sampling, seed=seed, chunk=chunk)


def endless(checkpoint: Checkpoint) -> StopWatcher:
    return StopWatcher(checkpoint.tokenizer, stop_ids=(), after_tool_call=False, thinking=False)


def answer(session: Session, checkpoint: Checkpoint, tokens: int) -> Generation:
    return session.generate(tokens, endless(checkpoint))


def logits_of(checkpoint: Checkpoint, ids: tuple[int, ...]) -> torch.Tensor:
    """One forward pass over the whole, (len(ids), vocabulary)."""
    model = checkpoint.transformer
    cache = DenseCache(model.config, model.device, model.dtype)
    return model.logits(torch.tensor(ids), cache, last_only=False)


@pytest.mark.parametrize("chunk", [1, 5, 16, 512])
def test_many_turns_equal_one_forward_of_the_same_ids(checkpoint: Checkpoint, chunk: int) -> None:
    session = open_session(checkpoint, chunk=chunk)
    sampled: list[int] = []
    for turn, length in enumerate([40, 1, 17, 16, 15]):
        session.append([(turn * 31 + i * 7) % 280 for i in range(length)])
        start = len(session.ids)
        ids = answer(session, checkpoint, 9).ids
        assert session.ids[start:] == ids
        sampled += range(start, start + 9)
    best = logits_of(checkpoint, session.ids).argmax(-1).tolist()
    assert [session.ids[place] for place in sampled] == [best[place - 1] for place in sampled]


def test_only_new_tokens_are_computed(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append(range(30))
    first = answer(session, checkpoint, 10)
    session.append(range(5))
    second = answer(session, checkpoint, 10)
    assert (first.prompt_tokens, first.cached, first.prefilled) == (30, 0, 30)
    # The last sampled token of a turn is computed with the next one.
    assert (second.prompt_tokens, second.cached, second.prefilled) == (45, 39, 6)


def test_a_continuation_draws_the_same_tokens(checkpoint: Checkpoint) -> None:
    whole = open_session(checkpoint, HOT, seed=3)
    whole.append(range(20))
    expected = answer(whole, checkpoint, 24).ids
    parts = open_session(checkpoint, HOT, seed=3)
    parts.append(range(20))
    found = answer(parts, checkpoint, 7).ids
    resumed = open_session(checkpoint, HOT, seed=3)
    resumed.append(parts.ids)
    assert found + answer(resumed, checkpoint, 17).ids == expected
    other = open_session(checkpoint, HOT, seed=4)
    other.append(range(20))
    assert answer(other, checkpoint, 24).ids != expected


def test_a_stop_token_is_kept_in_ids_and_hidden_in_text(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append(range(20))
    expected = answer(session, checkpoint, 12).ids
    again = open_session(checkpoint)
    again.append(range(20))
    watcher = StopWatcher(
        checkpoint.tokenizer, stop_ids={expected[5]}, after_tool_call=False, thinking=False
    )
    stopped = again.generate(12, watcher)
    assert stopped.finish == "stop"
    assert stopped.ids == expected[: expected.index(expected[5]) + 1]
    assert stopped.text == checkpoint.tokenizer.decode(stopped.ids)


def test_length_is_exact_and_the_context_is_its_limit(make_checkpoint: Callable[..., Path]) -> None:
    checkpoint = load_checkpoint(make_checkpoint(max_position_embeddings=64), device="cpu")
    session = open_session(checkpoint)
    session.append(range(50))
    cut = answer(session, checkpoint, 4)
    assert (cut.finish, len(cut.ids)) == ("length", 4)
    full = answer(session, checkpoint, 1000)
    assert (full.finish, len(session.ids)) == ("length", 64)
    with pytest.raises(ContextOverflowError, match="all 64 tokens"):
        answer(session, checkpoint, 1)


def test_cancelling_keeps_what_was_computed(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append(range(20))
    started = threading.Event()

    class Signalling(StopWatcher):
        def push(self, token: int) -> bool:
            started.set()
            return super().push(token)

    watcher = Signalling(checkpoint.tokenizer, stop_ids=(), after_tool_call=False, thinking=False)

    def cancel_when_started() -> None:
        started.wait(30)
        session.cancel()

    thread = threading.Thread(target=cancel_when_started)
    thread.start()
    cut = session.generate(400, watcher)
    thread.join()
    assert cut.finish == "cancelled"
    assert 0 < len(cut.ids) < 400
    rest = answer(session, checkpoint, 5)
    whole = open_session(checkpoint)
    whole.append(range(20))
    assert answer(whole, checkpoint, len(cut.ids) + 5).ids == cut.ids + rest.ids


def test_cancelling_before_a_long_prompt_is_computed(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append(range(20))
    session.cancel()
    cut = answer(session, checkpoint, 5)
    assert (cut.finish, cut.ids, cut.text, cut.prefilled) == ("cancelled", (), "", 0)
    assert answer(session, checkpoint, 5).finish == "length"


@pytest.mark.parametrize("token", [-1, 536, 2**40])
def test_ids_outside_the_vocabulary_are_refused(checkpoint: Checkpoint, token: int) -> None:
    session = open_session(checkpoint)
    session.append([1, 2])
    with pytest.raises(TokenIdError, match=f"{token} is outside the vocabulary of 536"):
        session.append([3, token])
    assert session.ids == (1, 2)


def test_a_context_that_is_too_long_is_refused_whole(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append([1] * 500)
    with pytest.raises(ContextOverflowError, match="513 tokens, the model holds 512"):
        session.append([1] * 13)
    assert len(session.ids) == 500


def test_numbers_that_are_none_leave_the_session_as_it_was(
    make_checkpoint: Callable[..., Path],
) -> None:
    """A weight that makes one token poisonous: the error says so, and the context is kept."""
    checkpoint = load_checkpoint(make_checkpoint(), device="cpu")
    session = open_session(checkpoint)
    session.append(range(20))
    first = answer(session, checkpoint, 5)
    kept = session.ids
    checkpoint.transformer.weights.embedding[279] = torch.nan
    session.append([279])
    with pytest.raises(NumericsError, match="not finite at position 26"):
        answer(session, checkpoint, 5)
    assert session.ids == (*kept, 279)
    assert first.ids == kept[20:]
    healthy = open_session(checkpoint)
    healthy.append(range(20))
    assert answer(healthy, checkpoint, 5).ids == first.ids


def test_an_error_in_the_middle_of_an_answer_takes_the_answer_back(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    session.append(range(20))
    healthy = open_session(checkpoint)
    healthy.append(range(20))
    expected = answer(healthy, checkpoint, 12).ids
    embedding = checkpoint.transformer.weights.embedding
    poisoned = next(token for token in expected[3:] if token >= 20)
    row = embedding[poisoned].clone()
    embedding[poisoned] = torch.nan
    with pytest.raises(NumericsError):
        answer(session, checkpoint, 12)
    assert session.ids == tuple(range(20))
    embedding[poisoned] = row
    assert answer(session, checkpoint, 12).ids == expected


def test_misuse_is_named(checkpoint: Checkpoint) -> None:
    session = open_session(checkpoint)
    with pytest.raises(SessionError, match="context is empty"):
        answer(session, checkpoint, 5)
    session.append([1])
    with pytest.raises(SamplingError, match="max_tokens is 0"):
        answer(session, checkpoint, 0)
    with pytest.raises(SessionError, match="chunk is 0"):
        open_session(checkpoint, chunk=0)
    session.close()
    with pytest.raises(SessionError, match="closed"):
        session.append([1])
    with pytest.raises(SessionError, match="closed"):
        answer(session, checkpoint, 5)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_tokens_on_cuda(make_checkpoint: Callable[..., Path]) -> None:
    folder = make_checkpoint()
    answers = []
    for device in ("cpu", "cuda"):
        checkpoint = load_checkpoint(folder, device=device, dtype="float32")
        session = open_session(checkpoint, HOT, seed=3, chunk=7)
        session.append(range(40))
        answers.append(answer(session, checkpoint, 24).ids)
    assert answers[0] == answers[1]
