"""Steps as editors mean them: stops are lines, not the calls and returns between them."""

from __future__ import annotations

from collections.abc import Callable

from cwm_agent.debug.core.debugger import Debugger
from cwm_agent.debug.core.stops import Stop


def into(debugger: Debugger) -> Stop:
    """To the next line, in whatever function."""
    return _to_line(debugger, debugger.step)


def over(debugger: Debugger) -> Stop:
    """To the next line of this function, or of its caller."""
    return _to_line(debugger, debugger.next)


def out(debugger: Debugger) -> Stop:
    """To the next line of the caller."""
    stop = debugger.out()
    return stop if stop.reason != "step" or _at_line(debugger) else over(debugger)


def back(debugger: Debugger) -> Stop:
    """To the line before."""
    return _to_line(debugger, debugger.back)


def _to_line(debugger: Debugger, step: Callable[[], Stop]) -> Stop:
    stop = step()
    while stop.reason == "step" and not _at_line(debugger):
        stop = step()
    return stop


def _at_line(debugger: Debugger) -> bool:
    frame = debugger.here.frame
    return frame is not None and frame.event == "line"
