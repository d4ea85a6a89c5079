"""The debugger's commands as actions, for predictors that lead over many steps at once."""

from __future__ import annotations

from collections.abc import Callable

from cwm_agent.debug.core.stops import Stop, Stops
from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.program import Program
from model.text.actions import Action, Exit

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


def leave(advance: Callable[[Action], Stop], start: Moment) -> Stop:
    """To the return of the running function; at its return, to the next stop of its caller,
    over other calls of the same line."""
    stop = advance(OVER if start.left else OUT)
    while start.left and stop.reason == "step" and stop.moment.depth >= start.depth:
        stop = advance(OVER if stop.moment.left else OUT)
    return stop


def breakpoint_at(program: Program, line: int) -> Action:
    """To the first time that the text of a line is shown."""
    return Action("breakpoint", program.text(line))


def run_in_one(stops: Stops, program: Program) -> Action | None:
    """To the next stop as one action; None where several stops, conditions or watched
    expressions have to be looked at on the way."""
    enabled = [one for one in stops.breakpoints if one.enabled]
    if stops.watches or len(enabled) > 1 or any(one.condition for one in enabled):
        return None
    return breakpoint_at(program, enabled[0].line) if enabled else TO_THE_END
