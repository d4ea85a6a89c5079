"""Children of a long session: the time for their keys and values, which they share."""

from __future__ import annotations

import statistics
import time

from cwm_agent.bench.gpu.measure.bench import Bench, running
from cwm_agent.bench.gpu.measure.peers import peer_shape, some_prompts
from cwm_agent.bench.gpu.measure.timing import synchronise
from model.engine.engine import Engine
from model.engine.generation import Request
from model.engine.session import Session
from model.step.sampler import GREEDY
from model.text.stops import IdWatcher

_CHILDREN = 8
_TURNS = 20


def forks(bench: Bench) -> None:
    """Fork a session of 20 turns into 8, and let all children say something.

    The figure is the median over rounds of the time until the children can be used, the
    device's part included. Pages do not depend on the weights, so the peer's shape will do.
    """
    config, sizes = peer_shape(bench), bench.sizes
    context = _TURNS * (sizes.turn_prompt + sizes.turn_reply) + 64
    weights = bench.weights(config, "none")
    options = bench.options(rows=_CHILDREN + 1, context=context, kv_bytes=8 * 2**30)
    with running(config, weights, options, bench.device) as engine:
        session = Session(engine)
        for turn, ids in enumerate(some_prompts(config, _TURNS, sizes.turn_prompt, seed=1)):
            session.append(ids)
            _say(engine, [session], sizes.turn_reply if turn + 1 < _TURNS else 3)
        times, first = [], []
        for _ in range(sizes.rounds + 2):
            synchronise(bench.device)
            begun = time.perf_counter()
            children = session.fork(_CHILDREN)
            synchronise(bench.device)
            times.append(time.perf_counter() - begun)
            _say(engine, children, 1)
            first.append(time.perf_counter() - begun)
            for child in children:
                child.close()
        bench.report.add(
            "fork_ms",
            statistics.median(times[1:]) * 1e3,
            children=_CHILDREN,
            turns=_TURNS,
            tokens=len(session.ids),
            first_token_of_all_ms=statistics.median(first[1:]) * 1e3,
            layers=config.layers,
        )


def _say(engine: Engine, sessions: list[Session], count: int) -> None:
    answers = [session.generate(Request(count, GREEDY), IdWatcher()) for session in sessions]
    engine.run_until_idle()
    for answer in answers:
        answer.result(timeout=0)
