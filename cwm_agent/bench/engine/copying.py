"""Answers that copy: edits of files just read, with prompt lookup and without."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cwm_agent.bench.engine.agent_load import edits
from cwm_agent.bench.engine.ours import answer, answer_forced, opened, running_engine
from envs.progress import Say

if TYPE_CHECKING:
    from cwm_agent.bench.engine.twins import Twins
    from model.engine.engine import Engine

GREEDY_ANSWER = 100


@dataclass(frozen=True, slots=True)
class CopyFigures:
    """Steps and seconds of all edits; prompts were computed before and do not count.

    `ids_equal`: both ways said the same, in the edits and in a greedy answer
    of `greedy_tokens` after each prompt.
    """

    edits: int
    prompt_tokens: tuple[int, ...]
    reply_tokens: tuple[int, ...]
    steps: int
    plain_steps: int
    step_ratio: float
    drafted: int
    accepted: int
    seconds: float
    plain_seconds: float
    greedy_tokens: int
    ids_equal: bool


@dataclass(slots=True)
class _Way:
    """What one engine did with all edits."""

    answers: list[tuple[int, ...]]
    steps: int = 0
    seconds: float = 0.0
    drafted: int = 0
    accepted: int = 0


def measure_copying(twins: Twins, *, progress: Say, count: int) -> CopyFigures:
    """Each edit is said by force of a token mask, so it is realistic whatever the weights are."""
    turns = [(twins.encode(edit.prompt), twins.encode(edit.reply)) for edit in edits(count)]
    ways = []
    for speculation in (True, False):
        with running_engine(twins, speculation=speculation) as engine:
            way = _Way([])
            for number, (prompt, reply) in enumerate(turns):
                _say(engine, twins, prompt, reply, way)
                way.answers.append(_greedy(engine, prompt, GREEDY_ANSWER))
                lookup = "with" if speculation else "without"
                progress(f"edits, {lookup} lookup: {number + 1} of {count}")
            ways.append(way)
    with_lookup, plain = ways
    return CopyFigures(
        edits=count,
        prompt_tokens=tuple(len(prompt) for prompt, _ in turns),
        reply_tokens=tuple(len(reply) for _, reply in turns),
        steps=with_lookup.steps,
        plain_steps=plain.steps,
        step_ratio=plain.steps / with_lookup.steps,
        drafted=with_lookup.drafted,
        accepted=with_lookup.accepted,
        seconds=with_lookup.seconds,
        plain_seconds=plain.seconds,
        greedy_tokens=GREEDY_ANSWER,
        ids_equal=with_lookup.answers == plain.answers,
    )


def _say(engine: Engine, twins: Twins, prompt: list[int], reply: list[int], way: _Way) -> None:
    session = opened(engine, prompt)
    session.prefill().result()
    begin = time.perf_counter()
    generation = answer_forced(session, reply, twins)
    way.seconds += time.perf_counter() - begin
    way.steps += generation.steps
    way.answers.append(generation.ids)
    way.drafted += session.counters.drafted
    way.accepted += session.counters.accepted
    session.close()


def _greedy(engine: Engine, prompt: list[int], count: int) -> tuple[int, ...]:
    session = opened(engine, prompt)
    ids = answer(session, count).ids
    session.close()
    return ids
