"""One program predicted twice: step by step after the true frames, and alone to its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cwm_agent.debug.frames.compare import Component, differences, first_divergence
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Prediction, PredictionRequest, Predictor
from model.errors import ContextOverflowError
from model.text.traces import Event, Frame

END = "end"


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame (or the end) predicted after the true ones before it.

    `exact`: to the letter. `wrong`: components whose meaning differs. `removed`:
    the largest mass that the constraint took away in it. Of its tokens `decided`
    were the model's choice, `forced` were given.
    """

    event: Event | str
    exact: bool
    wrong: frozenset[Component]
    sampled: int
    removed: float
    decided: int
    forced: int


@dataclass(frozen=True, slots=True)
class Alone:
    """A program predicted without help. `divergence` is the first wrong step, None if none is.

    `output` is the predicted result of the entry, None when it came to none.
    `trail` has, for each true step, its event and what is wrong in the predicted one.
    """

    steps: int
    whole: bool
    illegal: int
    divergence: int | None
    output: str | None
    sampled: int
    forced: int
    problem: str = ""
    trail: tuple[tuple[str, frozenset[Component]], ...] = ()


def true_moments(program: Program, frames: Sequence[Frame]) -> list[Moment]:
    """The moments of a recorded trace, its end last."""
    here = Moment.start(program)
    found = []
    for frame in frames:
        here = here.after(frame)
        found.append(here)
    return [*found, here.over()]


def judge_steps(
    predictor: Predictor, program: Program, frames: Sequence[Frame], request: PredictionRequest
) -> list[Judged]:
    """Predict each frame and the end after the true frames before; greedy if the predictor is."""
    here, cursor = Moment.start(program), predictor.open(program)
    found = []
    try:
        for real in true_moments(program, frames):
            twin = cursor.fork()
            try:
                said = twin.predict(here, request)
            finally:
                twin.close()
            found.append(_judged(said, here, real))
            if real.frame is not None and not real.ended:
                cursor.place(real.frame)
            here = real
    finally:
        cursor.close()
    return found


def _judged(said: Prediction, here: Moment, real: Moment) -> Judged:
    event = END if real.ended else (real.frame.event if real.frame else END)
    wrong: frozenset[Component] = frozenset({"event"})
    exact = False
    if said.frame is not None or said.ended:
        mine = here.over() if said.frame is None else here.after(said.frame)
        wrong = frozenset(one.component for one in differences(mine, real))
        exact = said.ended if real.ended else said.frame == real.frame
    removed = said.confidence.removed
    return Judged(event, exact, wrong, said.sampled, removed, said.decided, said.forced)


def run_alone(
    predictor: Predictor,
    program: Program,
    frames: Sequence[Frame],
    request: PredictionRequest,
    *,
    known: int = 0,
) -> Alone:
    """Predict to the end, at most ten steps more than the true ones.

    So many `known` first frames are known to be predicted right, and are given.
    """
    most = len(frames) + 10
    cursor = predictor.open(program)
    here = Moment.start(program)
    said: list[Moment] = []
    illegal = sampled = forced = 0
    problem, frames_said = f"no end after {most} steps", list(frames[:known])
    for frame in frames_said:
        cursor.place(frame)
        here = here.after(frame)
        said.append(here)
    try:
        for _ in range(most - known):
            one = cursor.predict(here, request)
            sampled, forced = sampled + one.sampled, forced + one.forced
            if one.frame is None:
                problem = one.problem
                if one.ended:
                    illegal += not here.legal.may_end
                    said.append(here.over())
                break
            here = here.after(one.frame)
            illegal += not here.allowed
            said.append(here)
            frames_said.append(one.frame)
    except ContextOverflowError as error:
        problem = str(error)
    finally:
        cursor.close()
    real = true_moments(program, frames)
    parted = first_divergence(said, real).step
    if parted is None and len(said) < len(real):
        parted = len(said)
    whole = bool(said) and said[-1].ended and frames_said == list(frames)
    output = _output(said)
    trail = _trail(said, real)
    return Alone(len(said), whole, illegal, parted, output, sampled, forced, problem, trail)


def _trail(
    said: Sequence[Moment], real: Sequence[Moment]
) -> tuple[tuple[str, frozenset[Component]], ...]:
    """Step by step, what is wrong; a step that was not predicted has no right event."""
    found = []
    for number, moment in enumerate(real):
        event = END if moment.ended or moment.frame is None else moment.frame.event
        wrong: frozenset[Component] = frozenset({"event"})
        if number < len(said):
            wrong = frozenset(one.component for one in differences(said[number], moment))
        found.append((event, wrong))
    return tuple(found)


def _output(said: Sequence[Moment]) -> str | None:
    """The value of the entry's return, if the prediction came to its end."""
    if not said or not said[-1].ended:
        return None
    last = next((one for one in reversed(said) if not one.ended), None)
    if last is None or last.frame is None or last.frame.event != "return" or last.depth != 1:
        return None
    before = last.previous.frame if last.previous else None
    raised = before is not None and before.event == "exception"
    return None if raised else last.frame.value
