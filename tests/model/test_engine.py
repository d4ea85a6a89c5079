from __future__ import annotations

import pytest
from engines import naive_answer, tiny_config, tiny_engine, tiny_weights

from model.generation import Request
from model.sampler import Sampling
from model.session import Session
from model.stops import IdWatcher


@pytest.mark.parametrize("window", [None, 16, 7])
def test_two_turns_equal_the_plain_run(window: int | None) -> None:
    config = tiny_config(window)
    weights = tiny_weights(config)
    engine = tiny_engine(config, weights)
    session = Session(engine, stream=5)
    request = Request(30, Sampling(temperature=1.0, top_p=0.9, seed=3))
    context: list[int] = []
    for turn in ([1, 2, 3, 4, 5] * 5, [7, 8, 9]):
        session.append(turn)
        context += turn
        future = session.generate(request, IdWatcher())
        engine.run_until_idle()
        expected = naive_answer(config, weights, context, 30, request.sampling, 5)
        assert list(future.result().ids) == expected
        context += expected
    assert session.counters.recomputed == 0
    engine.close()
