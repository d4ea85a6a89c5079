"""Which call leads here? Proposals of the model, each of them executed and marked."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from cwm_agent.debug.actions.inverse import return_lines
from cwm_agent.debug.core.expressions import evaluate
from cwm_agent.debug.core.verify import call_arguments, real_moments
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Prediction, PredictionRequest, Predictor
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


@dataclass(frozen=True, slots=True)
class ResultGoal:
    """The entry returns this value."""

    value: str

    def __call__(self, moment: Moment) -> bool:
        """Whether it just did."""
        frame = moment.frame
        ended = moment.left and moment.depth == 1
        return ended and frame is not None and frame.event == "return" and frame.value == self.value


def result_goal(value: str) -> ResultGoal:
    """A result that is written as in Python; raises UsageError for none."""
    try:
        return ResultGoal(repr(ast.literal_eval(value.strip())))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise UsageError(f"'{value.strip()}' is no written-out value, such as [1, 2]") from error


class Asker(Protocol):
    """Asks a model for calls of the entry, in one of several `ways`."""

    @property
    def ways(self) -> int:
        """How many."""

    def ask(self, request: PredictionRequest, way: int) -> Prediction:
        """A frame of the call, with all its arguments."""

    def close(self) -> None:
        """Give up what it holds."""


@runtime_checkable
class ResultPredictor(Protocol):
    """A predictor that goes back from results to calls."""

    def asker(self, program: Program, value: str) -> Asker:
        """Asks for calls that give a written result."""


class EntryAsker:
    """Lets the model begin a trace: it fills in arguments, whatever they lead to."""

    ways = 1

    def __init__(self, predictor: Predictor, program: Program) -> None:
        self._start = Moment.start(program)
        self._root = predictor.open(program)

    def ask(self, request: PredictionRequest, way: int) -> Prediction:
        """The call."""
        del way
        cursor = self._root.fork()
        try:
            return cursor.predict(self._start, request)
        finally:
            cursor.close()

    def close(self) -> None:
        """Free keys and values."""
        self._root.close()


def _holds(condition: str, moment: Moment) -> bool:
    scope = moment.scope
    if scope is None:
        return False
    try:
        return bool(evaluate(condition, scope.locals))
    except UsageError:
        return False


def _asker(predictor: Predictor, program: Program, goal: Goal) -> Asker:
    if isinstance(goal, ResultGoal) and isinstance(predictor, ResultPredictor):
        return predictor.asker(program, goal.value)
    return EntryAsker(predictor, program)


def way_of_asking(predictor: Predictor, program: Program, goal: Goal) -> str:
    """How the model is asked, in words; empty where it fills in the arguments of a call."""
    if not (isinstance(goal, ResultGoal) and isinstance(predictor, ResultPredictor)):
        return ""
    lines = ", ".join(map(str, return_lines(program, goal.value)))
    return f"asked back from {goal.value} at the return of line {lines or '(there is none)'}"


def which_call(
    predictor: Predictor, program: Program, goal: Goal, recorder: Recorder, *, count: int = 8
) -> Iterator[Proposal]:
    """Different calls that the model proposes, each marked after it was run."""
    asker = _asker(predictor, program, goal)
    seen: set[str] = set()
    try:
        for number in range(max(count, asker.ways) if asker.ways else 0):
            temperature = TEMPERATURE if number >= asker.ways else 0.0
            request = PredictionRequest("call", temperature=temperature, draw=number)
            said = asker.ask(request, number % asker.ways)
            if said.frame is None:
                continue
            try:
                arguments = call_arguments(program, dict(said.frame.locals))
            except UsageError:
                continue
            if arguments not in seen:
                seen.add(arguments)
                yield marked_call(program, arguments, goal, recorder, said.logprob)
    finally:
        asker.close()


def marked_call(
    program: Program, arguments: str, goal: Goal, recorder: Recorder, logprob: float
) -> Proposal:
    """A proposed call, run and marked; `arguments` as between its parentheses."""
    call = f"{program.entry_name}({arguments})"
    try:
        ast.parse(call, mode="eval")
        recording = recorder(request_of(program, arguments))
    except RecordError as error:
        return Proposal(call, False, why=str(error), logprob=logprob)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return Proposal(call, False, why="this is no Python", logprob=logprob)
    if not recording.frames:
        why = "its arguments cannot be made: it raises before the function begins"
        return Proposal(call, False, why=why, logprob=logprob)
    if recording.raised and isinstance(goal, ResultGoal):
        told = [frame.value for frame in recording.frames if frame.event == "exception"]
        why = f"it raises {(told or ['an exception'])[-1]}"
        return Proposal(call, False, why=why, logprob=logprob)
    for step, moment in enumerate(real_moments(program, recording)):
        if not moment.ended and goal(moment):
            return Proposal(call, True, step, logprob=logprob)
    return Proposal(call, False, why="it never comes there", logprob=logprob)
