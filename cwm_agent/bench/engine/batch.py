"""Many prompts of different lengths at once, beside one batched `generate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cwm_agent.bench.engine.agent_load import slices
from cwm_agent.bench.engine.ours import begin_answer, needed_bytes, opened, running_engine
from cwm_agent.bench.engine.peers import generate_batch
from cwm_agent.bench.pairs import lap, pair_ratio, time_in_turn
from envs.progress import Say

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins
    from model.engine.engine import Engine

SHORTEST, LONGEST, ANSWER = 100, 600, 64


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Seconds a round; `ratio` is the median of transformers' seconds over ours."""

    prompt_tokens: tuple[int, ...]
    new_tokens: int
    engine_seconds: tuple[float, ...]
    transformers_seconds: tuple[float, ...]
    ratio: float
    tokens_per_second: float
    transformers_tokens_per_second: float
    equal_answers: float
    ids_equal: bool


def measure_batch(
    twins: Twins,
    text: Sequence[int],
    *,
    count: int,
    rounds: int,
    progress: Say,
) -> BatchFigures:
    """`count` prompts, their lengths evenly spread; each round has prompts of its own."""
    sizes = [SHORTEST + (LONGEST - SHORTEST) * i // max(1, count - 1) for i in range(count)]
    pieces = slices(text, sizes * rounds)
    prompts = [pieces[i * count : (i + 1) * count] for i in range(rounds)]
    room = 2 * count * needed_bytes(twins, LONGEST + ANSWER)
    with running_engine(twins, speculation=True, kv_bytes=room) as engine:
        timed = time_in_turn(
            {
                "engine": lambda number: lap(_ours, engine, prompts[number], ANSWER),
                "transformers": lambda number: lap(generate_batch, twins, prompts[number], ANSWER),
            },
            rounds,
            progress,
            "batch",
        )
    ours, theirs = timed["engine"], timed["transformers"]
    pairs = [
        (mine, other)
        for mines, others in zip(ours.results, theirs.results, strict=True)
        for mine, other in zip(mines, others, strict=True)
    ]
    equal = sum(mine == other for mine, other in pairs) / len(pairs)
    return BatchFigures(
        prompt_tokens=tuple(sizes),
        new_tokens=ANSWER,
        engine_seconds=ours.seconds,
        transformers_seconds=theirs.seconds,
        ratio=pair_ratio(ours.seconds, theirs.seconds),
        tokens_per_second=count * ANSWER / ours.median,
        transformers_tokens_per_second=count * ANSWER / theirs.median,
        equal_answers=equal,
        ids_equal=equal == 1.0,
    )


def _ours(engine: Engine, prompts: Sequence[Sequence[int]], count: int) -> list[list[int]]:
    sessions = [opened(engine, prompt) for prompt in prompts]
    futures = [begin_answer(session, count) for session in sessions]
    answers = [list(future.result().ids) for future in futures]
    for session in sessions:
        session.close()
    return answers
