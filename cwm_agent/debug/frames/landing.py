"""Moments after a jump: a state is shown, and the steps that lead to it are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cwm_agent.debug.frames.state import Moment, Scope
from cwm_agent.debug.legal.legal import Step
from model.text.traces import Event, Frame


def landed(moment: Moment, frame: Frame) -> Moment:
    """The moment of a frame that comes some time after `moment`.

    Of functions on the stack that have its line the innermost is taken to run; one that is
    on no stack, to be called from where the execution was.
    """
    step = moment.legal.landed(frame.event, frame.line)
    if step is None:
        return moment.after(frame)
    base = _before(moment, frame.event, step)
    scopes = replace(moment, scopes=base, left=False).scopes_after(
        frame, step.move.line, step.legal
    )
    left = frame.event == "return"
    return Moment(frame, moment.index + 1, scopes, step.legal, moment, left=left)


def values_before(moment: Moment, event: Event, line: str) -> Mapping[str, str]:
    """What is known of the locals of the function in which a frame would lie."""
    step = moment.legal.landed(event, line)
    if event == "call" or step is None:
        return {}
    base = _before(moment, event, step)
    return base[-1].locals if base else {}


def _before(moment: Moment, event: Event, step: Step) -> tuple[Scope, ...]:
    """The scopes that go on, the last one that of the frame (for a call: of its caller)."""
    live = moment.live
    stack = step.legal.first.stack
    if event == "call":
        return live[: len(stack) - 1]
    depth = len(stack) + (event == "return")
    if depth <= len(live):
        return live[:depth]
    name = moment.program.flows[stack[-1].code].code.co_name if stack else "?"
    return (*live, Scope(name, step.move.line, ""))
