"""Small programs and what happens when they run: material for trace prediction."""

from __future__ import annotations

import random
from dataclasses import dataclass

from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import RecordError, Recording, RecordRequest
from cwm_agent.generated.mutation import shuffled
from cwm_agent.generated.splits import templates_of
from cwm_agent.generated.templates.pools import POOLS
from cwm_agent.generated.templates.template import Function, draw
from model.text.traces import START_MARK, Frame

MOST_FRAMES = 24
RUN_SECONDS = 0.2
MISTAKEN = 0.25
"""Share of programs with a mutation: their values are less usual, and some raise."""


@dataclass(frozen=True, slots=True)
class Program:
    """A source whose entry point is marked and has its arguments, its true frames, and
    whether it ends by an exception."""

    source: str
    frames: tuple[Frame, ...]
    raised: bool


def record_program(seed: str, *, held_out: bool = False) -> Program:
    """The program of a seed: a function, called directly or by another one, and its trace."""
    rng = random.Random(f"program/{seed}")
    while True:
        program = _try(rng, held_out=held_out)
        if program is not None:
            return program


def _try(rng: random.Random, *, held_out: bool) -> Program | None:
    pool = templates_of("held_out" if held_out else "trained")
    function = draw(rng.choice(pool), rng, POOLS)
    written = _with_a_mistake(function, rng) if rng.random() < MISTAKEN else function.source
    lines = [line for line in written.split("\n") if '"""' not in line]
    arguments = ", ".join(map(repr, function.arguments(rng)))
    body = [f"    result = {function.name}({arguments})", "    return result"]
    source = "\n".join([*lines, "", "", f"def main():{START_MARK}", *body, ""])
    found = record(source, "main", MOST_FRAMES)
    if found is None or any(len(text) > 160 for frame in found.frames for text in frame.texts()):
        return None
    return Program(source, found.frames, found.raised)


def _with_a_mistake(function: Function, rng: random.Random) -> str:
    found = shuffled(function.source, rng)
    return found[0].apply(function.source) if found else function.source


def record(source: str, entry: str, most: int) -> Recording | None:
    """Run `entry()` and record its frames, without those of comprehensions.

    None when there are more than `most`, it takes too long, or cannot be run.
    """
    request = RecordRequest(source, entry, most=most, seconds=RUN_SECONDS, comprehensions=False)
    try:
        found = record_here(request)
    except RecordError:
        return None
    return None if found.cut else found
