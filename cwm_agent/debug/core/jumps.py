"""The debugger's commands as actions, for predictors that lead over many steps at once."""

from __future__ import annotations

from collections.abc import Callable

from cwm_agent.debug.core.stops import Stop, Stops
from cwm_agent.debug.core.tree import Node
from cwm_agent.debug.frames.landing import landed
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from cwm_agent.debug.predict.predictor import Prediction
from cwm_agent.errors import UsageError
from model.text.actions import STEP_INTO, Action, Exit
from model.text.traces import Event, Frame

OVER = Action("step_over")
OUT = Action("step_return")
TO_THE_END = Action("continue")
ENDS: dict[Exit, str] = {
    "normal": "the program has ended",
    "error": "the program ends by an exception",
    "never": "the program never ends",
    "entry": "this is before the first step",
}
"""How a program ends, in words."""
_NOT_PREDICTED = "over steps that were not predicted"


def ending(said: Prediction | None) -> str:
    """How a program ends, in words."""
    return ENDS[(said and said.exit) or "normal"]


def leave(advance: Callable[[Action], Stop], start: Moment) -> Stop:
    """To the return of the running function; at its return, to the next stop of its caller,
    over other calls of the same line."""
    stop = advance(OVER if start.left else OUT)
    while start.left and stop.reason == "step" and stop.moment.depth >= start.depth:
        stop = advance(OVER if stop.moment.left else OUT)
    return stop


def breakpoint_at(program: Program, line: int) -> Action:
    """To the first time that a line's text is shown; raises UsageError for one without code."""
    if line not in program.code_lines:
        raise UsageError(f"no code of a function begins on line {line}")
    return Action("breakpoint", program.text(line))


def run_action(stops: Stops, program: Program) -> Action:
    """The action that leads to the next stop, or single steps; raises UsageError."""
    if in_steps(stops):
        return STEP_INTO
    enabled = [one for one in stops.breakpoints if one.enabled]
    return breakpoint_at(program, enabled[0].line) if enabled else TO_THE_END


def in_steps(stops: Stops) -> str:
    """Why a run is predicted step by step; empty where one action leads to the next stop."""
    enabled = [one for one in stops.breakpoints if one.enabled]
    if stops.watches:
        return "a watched expression is looked at after each step"
    if any(one.condition for one in enabled):
        return "the condition of a breakpoint is looked at on the way"
    return "an action knows one breakpoint, and there are several" if len(enabled) > 1 else ""


def reached(
    before: Moment, frame: Frame | None, action: Action, event: Event | None = None
) -> Moment:
    """The moment that an action leads to; `event` is what was asked for."""
    if frame is None:
        return before.over()
    if action != STEP_INTO:
        return landed(before, frame)
    called = before.frame is not None and before.frame.event == "call"
    return before.after(frame, leap=called and event == "return")


def led_over(node: Node) -> str:
    """What the action to a node went over, as far as it is known; empty for a single step."""
    if node.action == STEP_INTO or node.parent is None:
        return ""
    line = f" '{node.action.line.strip()}'" if node.action.line else ""
    over = _NOT_PREDICTED
    if node.action == OVER and not node.moment.ended:
        over = _calls_between(node.parent.moment, node.moment)
    return f"{node.action.verb.replace('_', ' ')}{line}: {over}"


def _calls_between(before: Moment, here: Moment) -> str:
    """What calls a step over can have gone over."""
    moves = before.legal.moves(before.bound)
    names = {
        _running(after.first.codes, here) for move, after in moves.items() if move.event == "call"
    }
    frame = here.frame
    assert frame is not None
    direct = before.legal.after(frame.event, frame.line, before.bound) is not None
    if direct and not names:
        return "one step"
    if len(names) != 1:
        return "perhaps over calls" if direct else _NOT_PREDICTED
    return f"{'perhaps ' if direct else ''}over the call of {names.pop()}()"


def _running(codes: tuple[int, ...], moment: Moment) -> str:
    return moment.program.flows[codes[-1]].code.co_name
