"""Which call leads here? Proposals of the model, each of them executed and marked."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cwm_agent.debug.core.expressions import evaluate
from cwm_agent.debug.core.verify import call_arguments, real_moments
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import PredictionRequest, Predictor
from cwm_agent.debug.record.recording import Recorder, RecordError, request_of
from cwm_agent.errors import UsageError

Goal = Callable[[Moment], bool]
TEMPERATURE = 1.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A call of the entry, as it would be written; `true` when it really leads to the goal.

    `step` is the first real step that is the goal. `why` says what was in the
    way of running it. `probability` is the model's own, of the arguments.
    """

    call: str
    true: bool
    step: int | None = None
    why: str = ""
    logprob: float = 0.0


def line_goal(line: int, condition: str = "") -> Goal:
    """A line is about to run, and a condition over its variables holds."""

    def reached(moment: Moment) -> bool:
        frame = moment.frame
        if frame is None or frame.event != "line" or moment.line != line:
            return False
        return not condition or _holds(condition, moment)

    return reached


def result_goal(value: str) -> Goal:
    """The entry returns this value, written as in Python; raises UsageError for none."""
    try:
        wanted = repr(ast.literal_eval(value.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise UsageError(f"'{value.strip()}' is no written-out value, such as [1, 2]") from error

    def reached(moment: Moment) -> bool:
        frame = moment.frame
        ended = moment.left and moment.depth == 1
        return ended and frame is not None and frame.event == "return" and frame.value == wanted

    return reached


def _holds(condition: str, moment: Moment) -> bool:
    scope = moment.scope
    if scope is None:
        return False
    try:
        return bool(evaluate(condition, scope.locals))
    except UsageError:
        return False


def which_call(
    predictor: Predictor, program: Program, goal: Goal, recorder: Recorder, *, count: int = 8
) -> Iterator[Proposal]:
    """Different calls that the model proposes, each marked after it was run."""
    start = Moment.start(program)
    root = predictor.open(program)
    seen: set[str] = set()
    try:
        for number in range(count):
            cursor = root.fork()
            try:
                temperature = TEMPERATURE if number else 0.0
                said = cursor.predict(
                    start, PredictionRequest("call", temperature=temperature, draw=number)
                )
            finally:
                cursor.close()
            if said.frame is None:
                continue
            try:
                arguments = call_arguments(program, dict(said.frame.locals))
            except UsageError:
                continue
            if arguments not in seen:
                seen.add(arguments)
                yield _marked(program, arguments, goal, recorder, said.logprob)
    finally:
        root.close()


def _marked(
    program: Program, arguments: str, goal: Goal, recorder: Recorder, logprob: float
) -> Proposal:
    call = f"{program.entry_name}({arguments})"
    try:
        recording = recorder(request_of(program, arguments))
    except RecordError as error:
        return Proposal(call, False, why=str(error), logprob=logprob)
    for step, moment in enumerate(real_moments(program, recording)):
        if not moment.ended and goal(moment):
            return Proposal(call, True, step, logprob=logprob)
    return Proposal(call, False, why="it never comes there", logprob=logprob)
