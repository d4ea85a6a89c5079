"""What frames add up to: a call stack, whole values of variables, and line numbers.

A moment is a value that knows the one before it, so going back costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from cwm_agent.debug.legal.legal import Legal
from cwm_agent.debug.legal.program import Program
from model.text.traces import UNCHANGED, Frame


@dataclass(frozen=True, slots=True)
class Scope:
    """One function that runs. `line` is None where no source line has the frame's text.

    `locals` are whole values; `changed` are the names whose value the last frame
    changed; `unknown` those shown as unchanged although no frame gave a value.
    """

    function: str
    line: int | None
    text: str
    locals: Mapping[str, str] = field(default_factory=dict)
    changed: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    raised: bool = False

    @property
    def bound(self) -> frozenset[str]:
        """Names that certainly have values."""
        return frozenset() if self.raised else frozenset(self.locals)


@dataclass(frozen=True, slots=True)
class Moment:
    """The state after one frame, `index` frames after the first; the last scope runs now.

    At a return `scopes` still has the function that returns (`left` is then
    true); `legal` is already that of its caller. `allowed` tells whether the
    frame could follow at all.
    """

    frame: Frame | None
    index: int
    scopes: tuple[Scope, ...]
    legal: Legal
    previous: Moment | None
    allowed: bool = True
    left: bool = False
    ended: bool = False

    @classmethod
    def start(cls, program: Program) -> Moment:
        """Before the first frame."""
        return cls(None, -1, (), Legal.start(program), None)

    @property
    def program(self) -> Program:
        """What runs."""
        return self.legal.first.program

    @property
    def scope(self) -> Scope | None:
        """What runs now, or has just returned."""
        return self.scopes[-1] if self.scopes else None

    @property
    def line(self) -> int | None:
        """The line of the frame."""
        return self.scopes[-1].line if self.scopes else None

    @property
    def depth(self) -> int:
        """How many functions are on the stack, one that returns included."""
        return len(self.scopes)

    @property
    def live(self) -> tuple[Scope, ...]:
        """The scopes that go on."""
        return self.scopes[:-1] if self.left else self.scopes

    @property
    def bound(self) -> frozenset[str]:
        """Names of the running function that certainly have values."""
        return self.live[-1].bound if self.live else frozenset()

    @property
    def path(self) -> list[Moment]:
        """This moment and all before it, the first frame first."""
        return [moment for moment in self.back() if moment.frame is not None][::-1]

    def back(self) -> Iterator[Moment]:
        """This moment and all before it, the latest first."""
        here: Moment | None = self
        while here is not None:
            yield here
            here = here.previous

    def after(self, frame: Frame, *, leap: bool = False) -> Moment:
        """The moment of the next frame; with `leap` the return of a call without its frames."""
        step = self.legal.after(frame.event, frame.line, self.bound, leap=leap)
        allowed = step is not None
        if step is None:
            step = self.legal.lost(frame.event, frame.line)
        line = None if step is None else step.move.line
        after = self.legal if step is None else step.legal
        scopes = self.scopes_after(frame, line, after)
        return Moment(
            frame,
            self.index + 1,
            scopes,
            after,
            self,
            allowed=allowed,
            left=frame.event == "return",
        )

    def over(self) -> Moment:
        """The moment after the end of the trace."""
        return replace(self, ended=True, previous=self, index=self.index)

    def scopes_after(self, frame: Frame, line: int | None, legal: Legal) -> tuple[Scope, ...]:
        """The stack after a frame at a line; `legal` is what is true then."""
        live = self.live
        if frame.event == "call":
            known = self._left_last(_function(legal, frame.line))
            scope = Scope(_function(legal, frame.line), line, frame.line)
            return (*live, _shown(scope, frame, known))
        if not live:
            live = (Scope("?", line, frame.line),)
        here = replace(live[-1], line=line, text=frame.line, raised=frame.event == "exception")
        if frame.event == "line":
            return (*live[:-1], _shown(here, frame, here.locals))
        return (*live[:-1], replace(here, changed=frozenset()))

    def _left_last(self, function: str) -> Mapping[str, str]:
        """What was last known of a function that was left: a generator may go on."""
        for moment in self.back():
            if moment.left and moment.scopes[-1].function == function:
                return moment.scopes[-1].locals
        return {}


def _shown(scope: Scope, frame: Frame, known: Mapping[str, str]) -> Scope:
    whole, changed, unknown = {}, set(), set()
    for name, value in frame.locals:
        if value != UNCHANGED:
            whole[name] = value
            if known.get(name) != value:
                changed.add(name)
        elif name in known:
            whole[name] = known[name]
        else:
            whole[name] = UNCHANGED
            unknown.add(name)
    return replace(
        scope,
        locals=MappingProxyType(whole),
        changed=frozenset(changed),
        unknown=frozenset(unknown),
    )


def _function(legal: Legal, text: str) -> str:
    stack = legal.first.stack
    if stack:
        return legal.first.program.flows[stack[-1].code].code.co_name
    return text.strip().removeprefix("async ").removeprefix("def ").split("(")[0] or "?"
