"""The frames of the function that runs now, and the call of another one that just ended."""

from __future__ import annotations

from dataclasses import dataclass

from cwm_agent.debug.frames.state import Moment
from cwm_agent.debug.legal.flow import Flow
from cwm_agent.debug.legal.machine import Activation
from cwm_agent.debug.plain.limits import UnknownError

SHARED = 0x20 | 0x80 | 0x200  # generators and coroutines are left and entered again


@dataclass(frozen=True, slots=True)
class History:
    """Frames of the running activation, the latest first, up to its call. `now` is the present.

    Only what is followed without doubt is a history: legal frames of which one
    reading is known.
    """

    now: Moment
    own: tuple[Moment, ...]

    @classmethod
    def of(cls, now: Moment) -> History:
        """Raises UnknownError."""
        depth = len(now.live)
        if not depth or len(now.legal.machines) != 1 or len(now.legal.first.stack) != depth:
            raise UnknownError
        found = []
        for moment in now.back():
            if not moment.allowed or moment.frame is None or moment.depth < depth:
                raise UnknownError
            if moment.left or moment.depth > depth:
                continue
            found.append(moment)
            if moment.frame.event == "call":
                break
        history = cls(now, tuple(found))
        top = history.top
        if history.flow.code.co_flags & SHARED or top.code != now.legal.first.stack[-1].code:
            raise UnknownError
        return history

    @property
    def last(self) -> Moment:
        """The last frame of this function."""
        return self.own[0]

    @property
    def event(self) -> str:
        """Its event."""
        assert self.last.frame is not None
        return self.last.frame.event

    @property
    def undisturbed(self) -> bool:
        """Whether no other function ran since."""
        return self.last is self.now

    @property
    def top(self) -> Activation:
        """Where this function was right after its last frame; raises UnknownError."""
        return single(self.last)

    @property
    def flow(self) -> Flow:
        """Its instructions."""
        return self.now.program.flows[self.now.legal.first.stack[-1].code]

    @property
    def names(self) -> dict[str, str]:
        """Its variables as last shown, unknown ones with the sign for unchanged."""
        scope = self.last.scope
        return dict(scope.locals) if scope is not None else {}

    @property
    def line(self) -> int:
        """Its last line; raises UnknownError."""
        if self.last.line is None:
            raise UnknownError
        return self.last.line


def single(moment: Moment) -> Activation:
    """The running activation after a frame; raises UnknownError where there are more readings."""
    if len(moment.legal.machines) != 1 or not moment.legal.first.stack:
        raise UnknownError
    return moment.legal.first.stack[-1]


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that has just ended: its function, and the exception that ended it, or its result."""

    function: str
    value: str
    raised: bool


def ended(history: History) -> Ended:
    """The call that ended with the present frame; raises UnknownError where that is not sure."""
    return _ended(history.now, len(history.now.live))


def results(history: History) -> tuple[Ended, ...]:
    """The calls that ended since the last frame of this function, the first one first."""
    depth, found = len(history.now.live), []
    for moment in history.now.back():
        if moment is history.last:
            break
        if moment.left and moment.depth == depth + 1:
            found.append(_ended(moment, depth))
    return tuple(found[::-1])


def _ended(now: Moment, depth: int) -> Ended:
    before = now.previous
    if not now.left or now.depth != depth + 1 or before is None:
        raise UnknownError
    frame, last = now.frame, before.frame
    if frame is None or last is None or not before.allowed:
        raise UnknownError
    top = single(before)
    flow = now.program.flows[top.code]
    if flow.code.co_flags & SHARED:
        raise UnknownError
    reached = flow.closure(top.at)
    may_return = any(flow.instructions[one].returns for one in reached)
    reraises = any(flow.instructions[one].reraises and one not in flow.handlers for one in reached)
    if last.event == "exception" and before.depth == now.depth and top.leaving:
        if may_return or reraises or top.jumps:
            raise UnknownError
        return Ended(flow.code.co_qualname, last.value, raised=True)
    if not may_return or reraises or last.event == "exception" or top.leaving:
        raise UnknownError
    return Ended(flow.code.co_qualname, frame.value, raised=False)
