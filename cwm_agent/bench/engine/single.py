"""One session with the engine to itself, beside `generate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cwm_agent.bench.engine.agent_load import slices
from cwm_agent.bench.engine.ours import answer, opened, running_engine
from cwm_agent.bench.engine.peers import generate_one
from cwm_agent.bench.pairs import Lap, Timed, lap, pair_ratio, time_in_turn
from envs.progress import Say

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins
    from model.engine.engine import Engine

PROMPT, ANSWER = 400, 100


@dataclass(frozen=True, slots=True)
class SingleFigures:
    """Seconds a round. The ratios are medians of transformers' seconds over ours.

    `ratio` is that of the engine at its defaults (prompt lookup on),
    `plain_ratio` with lookup off. Counts are sums over the rounds; `drafted`
    tokens were guessed, `accepted` of them right.
    """

    prompt_tokens: int
    new_tokens: int
    engine_seconds: tuple[float, ...]
    engine_plain_seconds: tuple[float, ...]
    transformers_seconds: tuple[float, ...]
    ratio: float
    plain_ratio: float
    tokens_per_second: float
    transformers_tokens_per_second: float
    steps: int
    plain_steps: int
    drafted: int
    accepted: int
    ids_equal: bool


@dataclass(frozen=True, slots=True)
class _Answered:
    ids: tuple[int, ...]
    steps: int = 0
    drafted: int = 0
    accepted: int = 0


def measure_single(
    twins: Twins,
    text: Sequence[int],
    *,
    rounds: int,
    progress: Say,
) -> SingleFigures:
    """Prompt and greedy answer, batch 1: prefill and decoding together.

    Each round has a prompt of its own, so that no prefix cache helps.
    """
    prompts = slices(text, [PROMPT] * (rounds + 1))
    with (
        running_engine(twins, speculation=True) as usual,
        running_engine(twins, speculation=False) as bare,
    ):
        ways: dict[str, Callable[[int], Lap[_Answered]]] = {
            "engine": lambda number: lap(_ours, usual, prompts[number], ANSWER),
            "engine without lookup": lambda number: lap(_ours, bare, prompts[number], ANSWER),
            "transformers": lambda number: lap(_theirs, twins, prompts[number], ANSWER),
        }
        for way in ways.values():  # once before it counts
            way(rounds)
        timed = time_in_turn(ways, rounds, progress, "batch 1")
    engine, plain, peer = timed.values()
    return _figures(engine, plain, peer)


def _figures(
    engine: Timed[_Answered],
    bare: Timed[_Answered],
    peer: Timed[_Answered],
) -> SingleFigures:
    same = zip(engine.results, bare.results, peer.results, strict=True)
    return SingleFigures(
        prompt_tokens=PROMPT,
        new_tokens=ANSWER,
        engine_seconds=engine.seconds,
        engine_plain_seconds=bare.seconds,
        transformers_seconds=peer.seconds,
        ratio=pair_ratio(engine.seconds, peer.seconds),
        plain_ratio=pair_ratio(bare.seconds, peer.seconds),
        tokens_per_second=ANSWER / engine.median,
        transformers_tokens_per_second=ANSWER / peer.median,
        steps=sum(result.steps for result in engine.results),
        plain_steps=sum(result.steps for result in bare.results),
        drafted=sum(result.drafted for result in engine.results),
        accepted=sum(result.accepted for result in engine.results),
        ids_equal=all(a.ids == b.ids == c.ids for a, b, c in same),
    )


def _ours(engine: Engine, prompt: Sequence[int], count: int) -> _Answered:
    session = opened(engine, prompt)
    generation = answer(session, count)
    spent = session.counters
    session.close()
    return _Answered(generation.ids, generation.steps, spent.drafted, spent.accepted)


def _theirs(twins: Twins, prompt: Sequence[int], count: int) -> _Answered:
    return _Answered(tuple(generate_one(twins, prompt, count)))
