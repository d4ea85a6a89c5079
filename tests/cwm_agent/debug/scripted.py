"""A model that says what really happens, or whatever a test wants it to say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from jumping import true_jumps

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.faces.opening import Opening
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.scripted import Answers, ScriptedPredictor, recorded
from cwm_agent.debug.record.here import record_here
from cwm_agent.debug.record.recording import Recorder, Recording, request_of
from cwm_agent.policies import bundled
from model.text.tokenizer import Tokenizer
from model.text.traces import TraceFormat

SOURCE = """\
def total(items, limit):
    result = 0
    for item in items:
        if item > limit:
            result += item
    return result


def main():  # << START_OF_TRACE
    values = [3, 8, 5]
    result = total(values, 4)
    other = total([1], 0)
    return result + other
"""
"""A program with two calls of one function and a branch."""


@cache
def tokenizer() -> Tokenizer:
    """The bundled model's."""
    return Tokenizer.from_folder(bundled.folder())


def form() -> TraceFormat:
    """Frames as the bundled model writes them."""
    return TraceFormat(tokenizer())


def predictor(answers: Answers, *, comprehensions: bool = True) -> ScriptedPredictor:
    """A model that answers so."""
    return ScriptedPredictor(tokenizer(), form(), answers, comprehensions)


def truthful(
    source: str, entry: str | None = None, arguments: str = "", *, comprehensions: bool = True
) -> tuple[ScriptedPredictor, Program, Recording]:
    """A model that knows the truth of one program, and that truth."""
    program = Program.read(source, entry=entry, comprehensions=comprehensions)
    recording = record_here(request_of(program, arguments, most=5000))
    answers = recorded(form(), recording.frames)
    return predictor(answers, comprehensions=comprehensions), program, recording


@contextmanager
def truthful_opening(opening: Opening) -> Iterator[tuple[Debugger, Recorder]]:
    """In the place of `opened`."""
    known = true_jumps if opening.jumps else truthful
    model, program, _ = known(opening.text(), opening.entry)
    with Debugger(model, program, arguments=opening.values()) as debugger:
        yield debugger, record_here
