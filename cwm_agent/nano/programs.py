"""Small programs and what happens when they run: material for trace prediction."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from cwm_agent.generated.mutation import shuffled
from cwm_agent.generated.probes import TooSlowError, time_limit
from cwm_agent.generated.splits import templates_of
from cwm_agent.generated.templates.pools import POOLS
from cwm_agent.generated.templates.template import Function, draw
from model.text.traces import START_MARK, UNCHANGED, Frame

if TYPE_CHECKING:
    from _typeshed import TraceFunction

MOST_FRAMES = 24
FILE = "<trace>"
RUN_SECONDS = 0.2
MISTAKEN = 0.25
"""Share of programs with a mutation: their values are less usual, and some raise."""


@dataclass(frozen=True, slots=True)
class Program:
    """A source whose entry point is marked and has its arguments, and its true frames."""

    source: str
    frames: tuple[Frame, ...]


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
    try:
        frames = record(source, "main", MOST_FRAMES)
    except (SyntaxError, TooSlowError):
        return None
    if frames is None or any(len(text) > 160 for frame in frames for text in frame.texts()):
        return None
    return Program(source, tuple(frames))


def _with_a_mistake(function: Function, rng: random.Random) -> str:
    found = shuffled(function.source, rng)
    return found[0].apply(function.source) if found else function.source


def record(source: str, entry: str, most: int) -> list[Frame] | None:
    """Run `entry()` and record its frames; None when there are more than `most`.

    Raises TooSlowError.
    """
    space: dict[str, object] = {}
    exec(compile(source, FILE, "exec"), space)
    function = space[entry]
    assert callable(function)
    recorder = _Recorder(source.split("\n"), most)
    with time_limit(RUN_SECONDS):
        recorder.run(function)
    return recorder.frames if len(recorder.frames) <= most else None


class _Recorder:
    """A trace function; inner functions of comprehensions are left out."""

    def __init__(self, lines: list[str], most: int) -> None:
        self._lines = lines
        self._most = most
        self._shown: dict[int, dict[str, str]] = {}
        self.frames: list[Frame] = []

    def run(self, function: Callable[[], object]) -> None:
        """Call the function under the trace; what it raises is recorded, not passed on."""
        sys.settrace(self._trace)
        try:
            function()
        except TooSlowError:
            raise
        except Exception:  # noqa: BLE001 - its frames are recorded
            pass
        finally:
            sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, value: object) -> TraceFunction | None:
        if not _is_ours(frame.f_code):
            return None
        if len(self.frames) > self._most:
            return None
        line = self._lines[frame.f_lineno - 1]
        if event == "call":
            self._shown[id(frame)] = {}
            self.frames.append(Frame("call", line, self._locals(frame)))
        elif event == "line":
            self.frames.append(Frame("line", line, self._locals(frame)))
        elif event == "exception":
            assert isinstance(value, tuple)
            text = f"{value[0].__name__}: {value[1]}" if str(value[1]) else value[0].__name__
            self.frames.append(Frame("exception", line, value=text))
        elif event == "return":
            self.frames.append(Frame("return", line, value=repr(value)))
        return self._trace

    def _locals(self, frame: FrameType) -> tuple[tuple[str, str], ...]:
        shown = self._shown[id(frame)]
        now = {name: repr(value) for name, value in frame.f_locals.items()}
        found = tuple(
            (name, UNCHANGED if shown.get(name) == text else text) for name, text in now.items()
        )
        self._shown[id(frame)] = now
        return found


def _is_ours(code: CodeType) -> bool:
    return code.co_filename == FILE and not code.co_name.startswith("<")
