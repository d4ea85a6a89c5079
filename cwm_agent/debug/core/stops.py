"""Where a run of steps ends: breakpoints, watched expressions, and the rules of pdb's commands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cwm_agent.debug.core.expressions import evaluate, written
from cwm_agent.debug.frames.state import Moment, Scope
from cwm_agent.debug.legal.legal import Legal
from cwm_agent.errors import UsageError

Rule = Callable[[Moment], bool]
Reason = Literal["step", "breakpoint", "watch", "end", "start", "problem", "limit", "cancelled"]


@dataclass(slots=True)
class Breakpoint:
    """Stops before a line runs; `condition` is over predicted variables.

    What of it cannot be known counts as true, and `doubt` then says why.
    """

    number: int
    line: int
    condition: str = ""
    enabled: bool = True
    hits: int = 0
    doubt: str = ""

    def fits(self, moment: Moment) -> bool:
        """Whether it stops here."""
        if not self.enabled or moment.frame is None or moment.frame.event != "line":
            return False
        if moment.line != self.line:
            return False
        if self.condition and moment.scope is not None:
            try:
                if not evaluate(self.condition, moment.scope.locals):
                    return False
                self.doubt = ""
            except UsageError as error:
                self.doubt = str(error)
        return True


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the debugger stands where it stands; `said` tells more, where there is more, and
    `jump` what a prediction of many steps led over."""

    reason: Reason
    moment: Moment
    said: str = ""
    breakpoint: Breakpoint | None = None
    jump: str = ""


@dataclass(slots=True)
class Watch:
    """An expression whose value is followed in the function where it was set."""

    expression: str
    function: str

    def value(self, moment: Moment) -> str | None:
        """As text; None where it has none."""
        scope = moment.scope
        if scope is None or scope.function != self.function:
            return None
        try:
            return written(self.expression, scope.locals)
        except UsageError:
            return None


@dataclass(slots=True)
class Stops:
    """All breakpoints and watches."""

    breakpoints: list[Breakpoint] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    _next: int = 1

    def add(self, line: int, condition: str = "") -> Breakpoint:
        """A new breakpoint."""
        found = Breakpoint(self._next, line, condition)
        self._next += 1
        self.breakpoints.append(found)
        return found

    def remove(self, *, number: int | None = None, line: int | None = None) -> list[Breakpoint]:
        """Take away the one of a number, those of a line, or all; those taken away."""
        gone = [
            one
            for one in self.breakpoints
            if (number is None or one.number == number) and (line is None or one.line == line)
        ]
        self.breakpoints = [one for one in self.breakpoints if one not in gone]
        return gone

    def hit(self, moment: Moment) -> Breakpoint | None:
        """The first breakpoint that stops here."""
        return next((one for one in self.breakpoints if one.fits(moment)), None)

    def between(self, before: Moment, here: Moment, *, breaks: bool = True) -> Stop | None:
        """Why to stop at `here` after `before`, if there is a reason."""
        if breaks and (hit := self.hit(here)) is not None:
            hit.hits += 1
            return Stop("breakpoint", here, hit.doubt, hit)
        if (watch := self.changed(before, here)) is not None:
            said = f"{watch.expression}: {watch.value(before)} -> {watch.value(here)}"
            return Stop("watch", here, said)
        return None

    def changed(self, before: Moment, after: Moment) -> Watch | None:
        """The first watched expression with another value than before."""
        for watch in self.watches:
            new, old = watch.value(after), watch.value(before)
            if new is not None and old is not None and new != old:
                return watch
        return None


def next_rule(start: Moment) -> Rule:
    """pdb's `next`: the next stop in this function, or, at its return, any."""
    if start.left or not start.scopes:
        return lambda _: True
    if _shared(start):
        return _resumed(start, start.scopes, least=0)
    depth = start.depth
    return lambda moment: moment.depth <= depth


def return_rule(start: Moment) -> Rule:
    """pdb's `return`: where this function returns; at its return, the next stop of the caller.

    In a generator it passes over all yields, as pdb's does.
    """
    if _shared(start):
        return _elsewhere(start.scopes[-1].function)
    if start.left and start.live and _leaves_and_goes_on(start.legal):
        return _resumed(start, start.live, least=0)
    if start.left:
        return lambda moment: moment.depth < start.depth
    return lambda moment: moment.left and moment.depth <= start.depth


def until_rule(start: Moment, line: int | None) -> Rule:
    """pdb's `until`: a later line of this function, or one from `line` on, or its return."""
    if start.left:
        return lambda _: True
    least = line if line is not None else (start.line or 0) + 1
    if _shared(start):
        return _resumed(start, start.scopes, least)
    depth = start.depth

    def rule(moment: Moment) -> bool:
        if moment.depth < depth or (moment.left and moment.depth == depth):
            return True
        return moment.depth == depth and (moment.line or 0) >= least

    return rule


def _resumed(start: Moment, scopes: Sequence[Scope], least: int) -> Rule:
    """The next stop in a generator from line `least` on, however often it is left and resumed.

    It is the last of `scopes`.
    """
    function, depth = scopes[-1].function, len(scopes)

    def rule(moment: Moment) -> bool:
        if moment.frame is None or moment.scope is None:
            return False
        here = moment.scope.function == function and moment.depth <= depth
        here = here and not _anew(moment, start)
        entered = moment.left or moment.frame.event == "call"
        if here and not entered and (moment.line or 0) >= least:
            return True
        return _elsewhere(function)(moment)

    return rule


def _anew(moment: Moment, start: Moment) -> bool:
    """Whether the generator that runs was entered for the first time after `start`: another one."""
    for one in moment.back():
        if one is start:
            return False
        if one.frame is not None and one.frame.event == "call" and one.depth == moment.depth:
            flow = one.program.flows[one.legal.first.stack[-1].code]
            lines = {flow.instructions[offset].line for offset in flow.resumes[1:]}
            return one.line == flow.instructions[flow.start].line and one.line not in lines
    return False


def _elsewhere(function: str) -> Rule:
    """Whether another function than this hears that a generator is at its end."""
    return lambda moment: (
        moment.scope is not None and moment.scope.function != function and _exhausted(moment)
    )


def _exhausted(moment: Moment) -> bool:
    """Whether somebody hears that a generator is at its end."""
    frame = moment.frame
    if frame is None or frame.event != "exception":
        return False
    return frame.value.split(":")[0] in ("StopIteration", "GeneratorExit")


def _shared(moment: Moment) -> bool:
    """Whether what runs (or returns) is a generator or coroutine."""
    before = moment.previous if moment.left else moment
    return before is not None and _leaves_and_goes_on(before.legal)


def _leaves_and_goes_on(legal: Legal) -> bool:
    """Whether the function that runs is a generator or coroutine."""
    if not legal.first.stack:
        return False
    flags = legal.first.program.flows[legal.first.stack[-1].code].code.co_flags
    return bool(flags & (inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR))
